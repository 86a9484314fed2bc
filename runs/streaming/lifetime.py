"""How long one stream may last: until its age, until its viewer may not read any more, until this process ends."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Iterator

from django.conf import settings

from runs import bridge
from runs.shutdown import Shutdown
from runs.streaming import seats

# With what a web process remembers of a key (5 s) a withdrawn one is noticed within half a minute.
RECHECK_SECONDS = 20.0
# A restart spreads the ends of many streams, within the time that the web server leaves them.
STOPS_WITHIN_SECONDS = 3.0
STOPS_PER_SECOND = 300


class Lifetime:
    """Of one stream. Times are seconds of the monotonic clock.

    `recheck` is asked now and then whether the viewer may still read; what it raises ends the stream.
    """

    def __init__(self, recheck: Callable[[], object] | None) -> None:
        now = time.monotonic()
        # Spread, so that viewers who came together do not all come back together.
        self._closes_at = now + settings.STREAM_MAX_AGE_S * random.uniform(0.8, 1.2)  # noqa: S311
        self._recheck = recheck
        self._recheck_at = now + _recheck_pause() if recheck else float("inf")
        self._is_stopping = False

    @property
    def due(self) -> float:
        """When it has to be looked at again."""
        return min(self._closes_at, self._recheck_at)

    @property
    def is_over(self) -> bool:
        """True once the stream has to close, resumable."""
        return self._is_stopping or time.monotonic() >= self._closes_at

    async def check(self) -> None:
        """The viewer may still read, as far as is known. Raises Unauthenticated or Forbidden."""
        if self._recheck is not None and time.monotonic() >= self._recheck_at:
            await bridge.rows(self._recheck)
            self._recheck_at = time.monotonic() + _recheck_pause()

    @contextlib.contextmanager
    def within(self, shutdown: Shutdown | None, *, wake: Callable[[], None]) -> Iterator[None]:
        """A shutdown ends the stream, and `wake`s it for that."""
        if shutdown is None:
            yield
            return
        waiting = asyncio.create_task(self._stop_at(shutdown, wake))
        try:
            yield
        finally:
            waiting.cancel()

    async def _stop_at(self, shutdown: Shutdown, wake: Callable[[], None]) -> None:
        if not shutdown.is_begun:
            await shutdown.wait()
            await asyncio.sleep(random.uniform(0, _spread()))  # noqa: S311
        self._is_stopping = True
        wake()


def _spread() -> float:
    return min(STOPS_WITHIN_SECONDS, seats.seats.open / STOPS_PER_SECOND)


def _recheck_pause() -> float:
    # Spread, so that those who came together do not all ask together.
    return RECHECK_SECONDS * random.uniform(0.9, 1.1)  # noqa: S311
