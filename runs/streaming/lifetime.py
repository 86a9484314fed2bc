"""How long one stream may last: until its age, until its viewer may not read any more, until this process ends."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Iterator

from django.conf import settings

from runs.shutdown import Shutdown
from runs.streaming import seats
from runs.streaming.withdrawal import Viewer, withdrawals

# A restart spreads the ends of many streams, within the time that the web server leaves them.
STOPS_WITHIN_SECONDS = 3.0
STOPS_PER_SECOND = 300


class Lifetime:
    """Of one stream. Times are seconds of the monotonic clock. It is over, too, once its `viewer` may not read any more."""

    def __init__(self, viewer: Viewer | None) -> None:
        # Spread, so that viewers who came together do not all come back together.
        self._closes_at = time.monotonic() + settings.STREAM_MAX_AGE_S * random.uniform(0.8, 1.2)  # noqa: S311
        self._viewer = viewer
        self._refusal: Exception | None = None
        self._is_stopping = False

    @property
    def due(self) -> float:
        """When it has to be looked at again."""
        return self._closes_at

    @property
    def is_over(self) -> bool:
        """True once the stream has to close, resumable."""
        return self._is_stopping or time.monotonic() >= self._closes_at

    def check(self) -> None:
        """The viewer may still read, as far as is known. Raises Unauthenticated or Forbidden."""
        if self._refusal is not None:
            raise self._refusal.with_traceback(None)  # others raise it, too

    @contextlib.contextmanager
    def within(self, shutdown: Shutdown | None, *, wake: Callable[[], None]) -> Iterator[None]:
        """A shutdown, or that the viewer is refused, ends the stream, and `wake`s it for that."""
        with contextlib.ExitStack() as ends:
            if self._viewer is not None:
                ends.enter_context(withdrawals().watched(self._viewer, self._refused(wake)))
            if shutdown is not None:
                ends.callback(asyncio.create_task(self._stop_at(shutdown, wake)).cancel)
            yield

    def _refused(self, wake: Callable[[], None]) -> Callable[[Exception], None]:
        def told(refusal: Exception) -> None:
            self._refusal = refusal
            wake()

        return told

    async def _stop_at(self, shutdown: Shutdown, wake: Callable[[], None]) -> None:
        if not shutdown.is_begun:
            await shutdown.wait()
            await asyncio.sleep(random.uniform(0, _spread()))  # noqa: S311
        self._is_stopping = True
        wake()


def _spread() -> float:
    return min(STOPS_WITHIN_SECONDS, seats.seats.open / STOPS_PER_SECOND)
