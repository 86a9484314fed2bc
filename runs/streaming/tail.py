"""The tail of a run's log: read once for everybody in this process who watches the run.

Each subscriber is only a cursor. What it is owed is taken from the tail's window, or from the rows where the window does
not reach: nudges say that there is something, rows alone say what.
"""

import asyncio
import contextlib
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from uuid import UUID

from django.conf import settings

from runs import bridge, hub
from runs.errors import ControlPlaneError
from runs.streaming.log import LogEntry, Page, page_after
from runs.streaming.standing import Snapshot, snapshot_of
from runs.streaming.window import Budget, Window


class LogBroken(ControlPlaneError):
    """The numbering of the run's log has a gap."""


@contextlib.asynccontextmanager
async def watching(run_id: UUID) -> AsyncIterator["Tail"]:
    """The run's tail, shared with whoever else watches the run here; it goes with the last of them."""
    tails = _tails_of_this_loop()
    tail = tails.of(run_id)
    async with tail.held():
        yield tail


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
        self._snapshots = _Snapshots(run_id)

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

    async def entries_after(self, cursor: int) -> list[LogEntry]:
        """The next events after the cursor, a page at most. Raises LogBroken at a gap, RunNotFound once the run is gone."""
        return self._window.after(cursor) or list((await self._read(cursor)).entries)

    async def snapshot(self, *, at_least: int, age_s: float) -> Snapshot:
        """The run's state at event `at_least` or later, read at most `age_s` seconds ago; shared by all who ask."""
        return await self._snapshots.get(at_least, age_s)

    async def _move(self) -> None:
        try:
            while self.ending_seq is None or self._end < self.ending_seq:
                if self.last_seq is None or self._end >= self.last_seq:
                    await self._news()
                self._extend(await self._read(self._end))
        except Exception as error:
            self._fail(error)

    async def _news(self) -> None:
        assert self._nudges is not None, "a tail that moves is held"
        nudged = await self._nudges.wait(settings.STREAM_POLL_MS / 1000)
        if nudged and settings.STREAM_COALESCE_MS:
            await asyncio.sleep(settings.STREAM_COALESCE_MS / 1000)  # more of the same burst, in one write

    async def _read(self, cursor: int) -> Page:
        page = await bridge.rows(page_after, self.run_id, cursor)
        self.last_seq = max(self.last_seq or 0, page.last_seq)
        self.ending_seq = page.ending_seq or self.ending_seq
        self.read_at = max(self.read_at or page.read_at, page.read_at)
        return page

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
        if self._moving is not None:
            self._moving.cancel()
            await asyncio.wait({self._moving})
        await self._stack.aclose()


class _Snapshots:
    """The latest state of one run; whoever asks while it is read waits for the same reading."""

    def __init__(self, run_id: UUID) -> None:
        self._run_id = run_id
        self._latest: Snapshot | None = None
        self._read_at = 0.0  # monotonic
        self._reading: asyncio.Task[Snapshot] | None = None

    async def get(self, at_least: int, age_s: float) -> Snapshot:
        latest = self._latest
        if latest is not None and latest.seq >= at_least and time.monotonic() - self._read_at <= age_s:
            return latest
        found = await self._next()
        # That reading may have begun before the event was committed; the next one cannot.
        return found if found.seq >= at_least else await self._next()

    async def _next(self) -> Snapshot:
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        # Whoever leaves while it is read does not take it from the others.
        return await asyncio.shield(self._reading)

    async def _read(self) -> Snapshot:
        try:
            begun = time.monotonic()
            found = await bridge.rows(snapshot_of, self._run_id)
            self._latest, self._read_at = found, begun
            return found
        finally:
            self._reading = None


class _Tails:
    """The tails of one event loop, by run."""

    def __init__(self) -> None:
        self._tails: dict[UUID, Tail] = {}
        self.budget = Budget()

    def of(self, run_id: UUID) -> Tail:
        tail = self._tails.get(run_id)
        if tail is None:
            tail = self._tails[run_id] = Tail(run_id, self.budget, forget=self._forget)
        return tail

    def _forget(self, tail: Tail) -> None:
        if self._tails.get(tail.run_id) is tail:
            del self._tails[tail.run_id]


_TAILS: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Tails] = weakref.WeakKeyDictionary()


def _tails_of_this_loop() -> _Tails:
    return _TAILS.setdefault(asyncio.get_running_loop(), _Tails())
