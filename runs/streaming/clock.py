"""The time of one stream: seconds that only grow, and waiting that a shutdown cuts short."""

import asyncio
import contextlib
import time
from typing import Protocol

from runs.shutdown import Shutdown


class Clock(Protocol):
    """What a stream that paces itself needs to know of time."""

    def now(self) -> float:
        """Seconds that only grow."""

    async def wait(self, seconds: float) -> bool:
        """True once the seconds are over; False at once when this process has been asked to end."""


class ProcessClock:
    """The clock of this process, until the process is asked to end."""

    def __init__(self, shutdown: Shutdown) -> None:
        self._shutdown = shutdown

    def now(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    async def wait(self, seconds: float) -> bool:
        """True once the seconds are over; False at once when this process has been asked to end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._shutdown.wait()
                return False
        return True
