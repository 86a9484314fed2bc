"""What goes wrong, and when: `--fault NAME@N`, each once."""

from collections import Counter
from collections.abc import Sequence

NAMES = {
    "poison": "the N-th entry of every session's log is a frame that cannot be read, at every replay",
    "drop": "the stream breaks instead of delivering ordinal N",
    "close": "the stream ends without an error instead of delivering ordinal N",
    "inline": "an error frame comes before ordinal N",
    "silent": "the N-th subscription is never answered",
    "refuse": "the N-th message is refused (INTERNAL_ERROR) and leaves no trace",
    "lose": "the answer to the N-th message is lost after the message was accepted",
    "lose-start": "the answer to the N-th SessionStart is lost after the session was opened",
}


class Faults:
    """The faults that are still to happen."""

    def __init__(self, wanted: Sequence[str]) -> None:
        self._due: set[tuple[str, int]] = set()
        self._counted: Counter[str] = Counter()
        for fault in wanted:
            name, _, number = fault.partition("@")
            if name not in NAMES:
                raise ValueError(f"unknown fault {name}: one of {', '.join(NAMES)}")
            self._due.add((name, int(number or 1)))

    def at(self, name: str, number: int) -> bool:
        """True once, where fault `name` is due at `number`."""
        if (name, number) not in self._due:
            return False
        self._due.discard((name, number))
        return True

    def next(self, name: str) -> bool:
        """True if fault `name` is due at this, the next occasion."""
        self._counted[name] += 1
        return self.at(name, self._counted[name])

    def poisons(self, ordinal: int) -> bool:
        """True if the log entry of this ordinal cannot be read: for every session, and for ever."""
        return ("poison", ordinal) in self._due
