"""How long one stream may last: until its age, until its viewer may not read any more, until this process ends."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Iterator

from django.conf import settings

from runs import bridge
from runs.shutdown import Shutdown

RECHECK_SECONDS = 30.0


class Lifetime:
    """Of one stream. Times are seconds of the monotonic clock.

    `recheck` is asked now and then whether the viewer may still read; what it raises ends the stream.
    """

    def __init__(self, recheck: Callable[[], object] | None) -> None:
        now = time.monotonic()
        # Spread, so that viewers who came together do not all come back together.
        self._closes_at = now + settings.STREAM_MAX_AGE_S * random.uniform(0.8, 1.2)  # noqa: S311
        self._recheck = recheck
        self._recheck_at = now + RECHECK_SECONDS if recheck else float("inf")
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
            self._recheck_at = time.monotonic() + RECHECK_SECONDS

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
        await shutdown.wait()
        self._is_stopping = True
        wake()
