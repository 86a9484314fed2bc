"""The only way out of a run's log: what comes after the cursor, once each and in order, for as long as the run lasts."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime
from uuid import UUID

from runs.streaming.frame import Frame
from runs.streaming.log import NO_ENTRIES, Entries, LogEntry
from runs.streaming.standing import Snapshot
from runs.streaming.tail import LogBroken, Tail
from runs.streaming.tails import watching


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
    async with watching(run_id) as tail:
        reader = Reader(tail, after)
        with tail.calling(reader.wake):
            try:
                yield reader
            finally:
                reader.hush()


class Reader:
    """One subscriber's place in a run's log. A lost nudge costs it the poll interval, never an event."""

    def __init__(self, tail: Tail, after: int) -> None:
        self.cursor = after
        self._tail = tail
        self._loop = asyncio.get_running_loop()
        self._is_called = False
        # Not asyncio.Event: one that is waited for by one task alone, at every event of every subscriber, may be simpler.
        self._waiting: asyncio.Future[None] | None = None
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def has_ended(self) -> bool:
        """True once the cursor stands at or past the ending event."""
        return self._tail.ending_seq is not None and self.cursor >= self._tail.ending_seq

    @property
    def is_current(self) -> bool:
        """True if there is nothing after the cursor, as far as is known here."""
        return self._tail.has_nothing_after(self.cursor)

    @property
    def last_seq(self) -> int:
        """The last number of the log when it was last read."""
        return max(self.cursor, self._tail.last_seq or 0)

    @property
    def read_at(self) -> datetime | None:
        """When the log was last read, by the database's clock."""
        return self._tail.read_at

    async def next_page(self, patience: float | None = None) -> Entries:
        """The next events; empty if none came within `patience` seconds, or before `wake()`."""
        if self.is_current and not await self._news(patience):
            return NO_ENTRIES
        entries = await self._tail.entries_after(self.cursor)
        if entries:
            if entries[0].seq != self.cursor + 1 or not entries.is_gapless:
                found = {"first": entries[0].seq, "last": entries[-1].seq, "events": len(entries)}
                raise LogBroken(details={"after": self.cursor, **found})
            self.cursor = entries[-1].seq
        return entries

    async def snapshot(self, *, at_least: int, age_s: float = 0.0) -> Snapshot:
        """The run's state at event `at_least` or later; what others were shown within `age_s` seconds will do."""
        return await self._tail.snapshots.get(at_least=at_least, age_s=age_s)

    async def end(self) -> Frame:
        """What is sent after the ending."""
        return await self._tail.end()

    def wake(self) -> None:
        """Whoever waits for the next page goes on at once."""
        self._is_called = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def hush(self) -> None:
        """No alarm goes off any more."""
        if self._alarm is not None:
            self._alarm.cancel()

    async def _news(self, patience: float | None) -> bool:
        self._tail.move_on_from(self.cursor)
        if patience is not None:
            self._set_alarm(self._loop.time() + max(0.0, patience))
        await self._call()
        self._tail.move_on_from(self.cursor)  # it may have failed meanwhile
        return not self.is_current

    async def _call(self) -> None:
        if not self._is_called:
            self._waiting = self._loop.create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        self._is_called = False

    def _set_alarm(self, due: float) -> None:
        # One that is set earlier is left: it goes off for nothing, which is cheaper than a timer for every event.
        if self._alarm is not None:
            if self._alarm.when() <= due:
                return
            self._alarm.cancel()
        self._alarm = self._loop.call_at(due, self._goes_off)

    def _goes_off(self) -> None:
        self._alarm = None
        self.wake()
