"""How calls are answered, whatever they ask: late, with a refusal, or never; and how many waited for an answer at once."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

START = "Start"  # a Send that opens a session
LAUNCHING = frozenset({"Initialize", START})
ATTACHING = frozenset({"StreamSession"})


class Manners:
    """`slow` holds the seconds before an answer, `refused` the RPCs that are denied; Start is the Send of a SessionStart."""

    def __init__(self, *, slow: Mapping[str, float], refused: Collection[str]) -> None:
        self.calls: Counter[str] = Counter()
        self.peaks: Counter[str] = Counter()
        self._slow = slow
        self._refused = refused
        self._waiting: Counter[str] = Counter()

    def refuses(self, name: str) -> bool:
        """True if the call is to be denied."""
        return name in self._refused

    @contextlib.contextmanager
    def answering(self, name: str) -> Iterator[None]:
        """While the block lasts the call waits for its answer."""
        self.calls[name] += 1
        groups = [name]
        groups += ["launching"] if name in LAUNCHING else []
        groups += ["attaching"] if name in ATTACHING else []
        for group in groups:
            self._waiting[group] += 1
            self.peaks[group] = max(self.peaks[group], self._waiting[group])
        try:
            yield
        finally:
            for group in groups:
                self._waiting[group] -= 1

    async def hesitate(self, name: str) -> None:
        """The time has passed that an answer to such a call takes."""
        await asyncio.sleep(self._slow.get(name, 0.0))

    def seen(self) -> dict[str, dict[str, int]]:
        """How many calls there were, and the most that waited for an answer at once."""
        return {"calls": dict(self.calls), "peaks": dict(self.peaks)}


def seconds_by_call(wanted: Sequence[str]) -> dict[str, float]:
    """`NAME=SECONDS`, each."""
    return {name: float(seconds) for name, _, seconds in (one.partition("=") for one in wanted)}
