"""The tail of a run's log: read once for everybody in this process who watches the run.

Each subscriber is only a cursor. What it is owed is taken from the tail's window, or from the rows where the window does
not reach: nudges say that there is something, rows alone say what.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from uuid import UUID

import orjson
from django.conf import settings
from django.db import InterfaceError, OperationalError

from runs import bridge, hub
from runs.errors import ControlPlaneError
from runs.streaming.frame import Frame
from runs.streaming.log import Entries, Page, page_after
from runs.streaming.sharing import SharedReadings
from runs.streaming.snapshots import SharedSnapshots
from runs.streaming.standing import end_of
from runs.streaming.window import Budget, Window

PATIENT_FAILURES = 5  # readings in a row that may fail, a poll interval apart, before viewers are told


class LogBroken(ControlPlaneError):
    """The numbering of the run's log has a gap."""


class Tail:
    """What is known of the end of one log: how far it goes, its last events, the latest state. Of one event loop."""

    def __init__(self, run_id: UUID, budget: Budget, *, forget: Callable[["Tail"], None]) -> None:
        self.run_id = run_id
        self.last_seq: int | None = None  # nobody has read yet
        self.ending_seq: int | None = None
        self.read_at: datetime | None = None  # by the database's clock
        self._forget = forget
        self._window = Window(budget)
        self._end = 0  # up to which event the window goes, once the tail moves
        self._holders = 0
        self._called: set[Callable[[], None]] = set()
        self._failure: Exception | None = None
        self._moving: asyncio.Task[None] | None = None
        self._stack = contextlib.AsyncExitStack()
        self._nudges: hub.Nudges | None = None
        self.snapshots = SharedSnapshots(run_id)
        # Who is behind is seldom alone: those with the same cursor wait for the same page.
        self._pages: SharedReadings[int, Page] = SharedReadings(self._read)
        self._ends: SharedReadings[int, Frame] = SharedReadings(self._read_end, keeps=True)

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """The tail is there, subscribed before anybody reads, so that nothing falls between."""
        self._holders += 1
        try:
            if self._nudges is None:
                self._nudges = await self._stack.enter_async_context(hub.subscribe(self.run_id))
            yield
        finally:
            self._holders -= 1
            if not self._holders:
                await self._close()

    @contextlib.contextmanager
    def calling(self, wake: Callable[[], None]) -> Iterator[None]:
        """`wake` is called whenever there is something new, or when the tail has failed."""
        self._called.add(wake)
        try:
            yield
        finally:
            self._called.discard(wake)

    def has_nothing_after(self, cursor: int) -> bool:
        """True if whoever has this cursor has to wait. A tail that moves reads on by itself, for all who wait."""
        return self.last_seq is not None and cursor >= (self.last_seq if self._moving is None else self._end)

    def move_on_from(self, cursor: int) -> None:
        """Somebody has caught up and waits: from there on the tail reads for all. Raises what made it fail."""
        if self._failure is not None:
            raise self._failure.with_traceback(None)
        if self._moving is None:
            self._end = min(cursor, self.last_seq or 0)
            self._moving = asyncio.create_task(self._move(), name=f"tail {self.run_id}")

    async def entries_after(self, cursor: int) -> Entries:
        """The next events after the cursor, a page at most. Raises LogBroken at a gap, RunNotFound once the run is gone."""
        return self._window.after(cursor) or (await self._pages.get(cursor)).entries

    async def end(self) -> Frame:
        """The `end` frame of a run that has ended, the same for all. Raises RunNotFound once the run is gone."""
        return await self._ends.get(self.ending_seq or 0)

    def is_behind(self, head: int | None, read_at: datetime) -> bool:
        """True if the log goes further than the tail knew at `read_at`, or is gone (None): it has to read."""
        self.read_at = max(self.read_at or read_at, read_at)
        return self.is_moving and (head is None or head > self._end)

    @property
    def is_moving(self) -> bool:
        """True while it waits for more."""
        return self._moving is not None and not self._moving.done()

    def nudge(self) -> None:
        """It reads on at once, as if somebody had said that the run moved."""
        if self._nudges is not None:
            self._nudges.wake()

    async def _move(self) -> None:
        failures = 0
        while self.ending_seq is None or self._end < self.ending_seq:
            # Whoever failed to read has heard the nudge already.
            if not failures and self.last_seq is not None and self._end >= self.last_seq:
                await self._news()
            try:
                self._extend(await self._read(self._end))
                failures = 0
            except (OperationalError, InterfaceError) as error:
                failures += 1
                if failures > PATIENT_FAILURES:
                    return self._fail(error)
                # A database that is away for a moment should cost nobody their stream.
                await asyncio.sleep(settings.STREAM_POLL_MS / 1000)
            except Exception as error:
                return self._fail(error)

    async def _news(self) -> None:
        assert self._nudges is not None, "a tail that moves is held"
        await self._nudges.wait()
        if settings.STREAM_COALESCE_MS:
            await asyncio.sleep(settings.STREAM_COALESCE_MS / 1000)  # more of the same burst, in one write

    async def _read(self, cursor: int) -> Page:
        page = await bridge.rows(page_after, self.run_id, cursor)
        if not page.entries and page.last_seq > cursor:
            raise LogBroken(details={"after": cursor})
        self.last_seq = max(self.last_seq or 0, page.last_seq)
        self.ending_seq = page.ending_seq or self.ending_seq
        self.read_at = max(self.read_at or page.read_at, page.read_at)
        return page

    async def _read_end(self, ending_seq: int) -> Frame:
        return Frame("end", orjson.dumps(await bridge.rows(end_of, self.run_id, ending_seq)))

    def _extend(self, page: Page) -> None:
        for entry in page.entries:
            if entry.seq != self._end + 1:
                raise LogBroken(details={"after": self._end, "found": entry.seq})
            self._window.add(entry)
            self._end = entry.seq
        if page.entries:
            self._call()

    def _fail(self, error: Exception) -> None:
        """Everybody who watches is told; whoever comes next begins with a new tail."""
        self._failure = error
        self._forget(self)
        self._call()

    def _call(self) -> None:
        for wake in self._called:
            wake()

    async def _close(self) -> None:
        self._forget(self)
        self._window.clear()
        for shared in (self._pages, self._ends, self.snapshots):
            shared.drop()
        try:
            if self._moving is not None:
                self._moving.cancel()
                await asyncio.wait({self._moving})
        finally:
            await self._stack.aclose()
