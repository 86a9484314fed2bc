"""What one subscriber waits on."""

import asyncio
import contextlib
import re
import threading
from collections.abc import Iterable
from uuid import UUID

MOST_REMEMBERED = 10_000  # ids of moved runs that wait to be taken; of more it is only known that there are
_RUN = re.compile(r"[0-9a-f]{32}", re.ASCII)  # a transport may carry anything


class Nudges:
    """Any number of nudges between two waits count as one."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def wake(self) -> None:
        """The next or present wait returns; may be called from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._event.set)

    def hear(self, topics: Iterable[str]) -> None:
        """These topics were sent, this subscriber's among them; may be called from any thread."""
        self.wake()

    async def wait(self, timeout: float | None = None) -> bool:
        """True once nudged, False after `timeout` seconds without; None waits for as long as it takes."""
        try:
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class RunNudges(Nudges):
    """What one subscriber to every run waits on: it also learns which of them moved."""

    def __init__(self) -> None:
        super().__init__()
        self._moved: set[str] = set()
        self._has_missed_some = False
        self._lock = threading.Lock()

    def wake(self) -> None:
        """Runs may have moved while nobody listened."""
        with self._lock:
            self._has_missed_some = True
        super().wake()

    def hear(self, topics: Iterable[str]) -> None:
        """The runs among these topics have moved; may be called from any thread."""
        with self._lock:
            if len(self._moved) < MOST_REMEMBERED:
                self._moved.update(topic for topic in topics if _RUN.fullmatch(topic))
            else:
                self._has_missed_some = True
        super().wake()

    def take(self) -> tuple[list[UUID], bool]:
        """The runs that moved since they were taken last, and whether others may have, unheard."""
        with self._lock:
            taken, self._moved = self._moved, set()
            missed, self._has_missed_some = self._has_missed_some, False
        return [UUID(hex=run_id) for run_id in taken], missed
