"""The only way out of a run's log: read after the cursor, then wait for a nudge or the poll, and read again."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime
from uuid import UUID

from django.conf import settings

from runs import bridge, hub
from runs.errors import ControlPlaneError
from runs.streaming.log import LogEntry, Page, page_after


class LogBroken(ControlPlaneError):
    """The numbering of the run's log has a gap."""


async def follow(run_id: UUID, after: int = 0) -> AsyncGenerator[LogEntry]:
    """Yield every event of a run after `after`, once each and in order, then wait for more; end after the ending.

    Also ends when `after` is already at or past the ending. Raises RunNotFound once there is no such run. Close it
    (contextlib.aclosing) when leaving early.
    """
    async with reading(run_id, after) as reader:
        while not reader.has_ended:
            for entry in await reader.next_page():
                yield entry


@contextlib.asynccontextmanager
async def reading(run_id: UUID, after: int) -> AsyncIterator["Reader"]:
    """A reader of the run's log after `after`, subscribed before its first read so that nothing falls between."""
    async with hub.subscribe(run_id) as nudges:
        yield Reader(run_id, after, nudges)


class Reader:
    """One subscriber's place in a run's log. A lost nudge costs it the poll interval, never an event."""

    def __init__(self, run_id: UUID, after: int, nudges: hub.Nudges) -> None:
        self.run_id = run_id
        self.cursor = after
        self._nudges = nudges
        self._page: Page | None = None

    @property
    def has_ended(self) -> bool:
        """True once the cursor stands at or past the ending event."""
        return self._page is not None and self._page.ending_seq is not None and self.cursor >= self._page.ending_seq

    @property
    def is_current(self) -> bool:
        """True if the last page went to the end of the log, as it was then."""
        return self._page is not None and self.cursor >= self._page.last_seq

    @property
    def last_seq(self) -> int:
        """The last number of the log when it was last read."""
        return self._page.last_seq if self._page else self.cursor

    @property
    def read_at(self) -> datetime | None:
        """When the log was last read, by the database's clock."""
        return self._page.read_at if self._page else None

    async def next_page(self, patience: float | None = None) -> tuple[LogEntry, ...]:
        """The next events; empty if none came within the poll interval, `patience` seconds, or before `wake()`."""
        if self.is_current:
            await self._wait(patience)
        self._page = await bridge.rows(page_after, self.run_id, self.cursor)
        for entry in self._page.entries:
            if entry.seq != self.cursor + 1:
                raise LogBroken(details={"after": self.cursor, "found": entry.seq})
            self.cursor = entry.seq
        return self._page.entries

    def wake(self) -> None:
        """Whoever waits for the next page goes on at once."""
        self._nudges.wake()

    async def _wait(self, patience: float | None) -> None:
        poll: float = settings.STREAM_POLL_MS / 1000
        nudged = await self._nudges.wait(poll if patience is None else max(0.0, min(poll, patience)))
        if nudged and settings.STREAM_COALESCE_MS:
            await asyncio.sleep(settings.STREAM_COALESCE_MS / 1000)  # more of the same burst, in one write
