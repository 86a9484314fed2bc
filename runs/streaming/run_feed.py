"""The feed of all runs: whatever moves is read once for everybody in this process who follows a list of runs.

Nudges say which runs to look at. They may be lost, so once in STREAM_POLL_MS the database is asked which runs have moved.
Rows alone say how a run stands, and each subscriber's selection says whether it is told.
"""

import asyncio
import contextlib
import time
import weakref
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from runs import bridge, hub
from runs.domain.documents import SummaryRow
from runs.queries.summaries import Horizon, horizon, moved_runs, summaries_of
from runs.streaming.first_list import FirstLists
from runs.streaming.pacing import Pacing
from runs.streaming.run_list import Change, RunList
from runs.streaming.selection import Selection

ROWS_PER_READING = 200
REST_SECONDS = 0.1  # between two readings, so that many nudges make few readings
LISTS_AT_ONCE = 50  # are told before others of this process get their turn
# For times that were rounded down, and a database whose clock stepped back a little.
OVERLAP = timedelta(seconds=1)
MOST_REMEMBERED = 10_000  # runs and how they stood when somebody was told


class RunFeed:
    """What moves among all runs, for the lists that have joined. Of one event loop; `clock` counts seconds."""

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, forget: Callable[["RunFeed"], None] | None = None
    ) -> None:
        self.tellings = 0  # how often lists have been told anything
        self.first_lists = FirstLists()
        self._clock = clock
        self._forget = forget
        self._lists: dict[tuple[UUID, Selection], set[RunList]] = {}
        self._members = 0
        self._pacing = Pacing()
        self._told = Told()
        self._horizon: Horizon | None = None
        self._poll_at = 0.0
        self._failure: Exception | None = None
        self._begun = asyncio.Event()
        self._moving: asyncio.Task[None] | None = None
        self._stack = contextlib.AsyncExitStack()

    @property
    def read_at(self) -> datetime:
        """When the database was last asked what has moved, by its own clock."""
        assert self._horizon is not None, "whoever has joined has seen the feed begin"
        return self._horizon.at

    @contextlib.asynccontextmanager
    async def joined(self, runs: RunList) -> AsyncIterator[None]:
        """The list is told of every change that is committed from now on. The feed goes with the last list."""
        self._members += 1
        try:
            if self._moving is None:
                nudges = await self._stack.enter_async_context(hub.subscribe_to_runs())
                self._moving = asyncio.create_task(self._move(nudges), name="feed of runs")
            await self._begun.wait()
            self.check()
            with self._telling(runs):
                yield
        finally:
            self._members -= 1
            if not self._members:
                await self._close()

    def check(self) -> None:
        """Raises what made the feed fail, if it has."""
        if self._failure is not None:
            raise self._failure.with_traceback(None)

    @contextlib.contextmanager
    def _telling(self, runs: RunList) -> Iterator[None]:
        key = (runs.project_id, runs.selection)
        self._lists.setdefault(key, set()).add(runs)
        try:
            yield
        finally:
            self._lists[key].discard(runs)
            if not self._lists[key]:
                del self._lists[key]

    async def _move(self, nudges: hub.RunNudges) -> None:
        try:
            self._horizon = await bridge.rows(horizon)
            self._poll_at = self._clock() + settings.STREAM_POLL_MS / 1000
            self._begun.set()
            while True:
                due_at = min(self._poll_at, self._pacing.next_due_at)
                await nudges.wait(max(0.0, due_at - self._clock()))
                moved, has_missed_some = nudges.take()
                self._pacing.moved(moved, self._clock())
                if has_missed_some or self._clock() >= self._poll_at:
                    await self._poll()
                await self._look()
                await asyncio.sleep(REST_SECONDS)
        except Exception as error:
            self._fail(error)

    async def _poll(self) -> None:
        """Every run that has moved since the last time is due, however its nudge went."""
        self._poll_at = self._clock() + settings.STREAM_POLL_MS / 1000
        assert self._horizon is not None
        since = self._horizon.since - OVERLAP
        self._horizon = await bridge.rows(horizon)
        projects = {project_id for project_id, _ in self._lists}
        self._pacing.moved(await bridge.rows(moved_runs, sorted(projects), since), self._clock())

    async def _look(self) -> None:
        """Whoever follows a run that is due knows how it stands."""
        while run_ids := self._pacing.take(self._clock(), at_most=ROWS_PER_READING):
            rows = await bridge.rows(summaries_of, run_ids)
            changes = [Change(run_id, rows.get(run_id)) for run_id in run_ids]
            if news := [change for change in changes if self._told.is_news(change)]:
                await self._tell(news)

    async def _tell(self, changes: list[Change]) -> None:
        self.tellings += 1
        self._pacing.told((change.run_id for change in changes), self._clock())
        # Whoever joins from here on reads a first list that has these changes in it.
        for (project_id, selection), lists in list(self._lists.items()):
            chosen = _chosen(changes, project_id, selection)
            for number, runs in enumerate(list(lists), 1):
                runs.tell(chosen)
                if number % LISTS_AT_ONCE == 0:
                    await asyncio.sleep(0)

    def _fail(self, error: Exception) -> None:
        """Everybody who follows is told; whoever comes next begins with a new feed."""
        self._failure = error
        self._leave()
        self._begun.set()
        for lists in self._lists.values():
            for runs in lists:
                runs.wake()

    async def _close(self) -> None:
        self._leave()
        if self._moving is not None:
            self._moving.cancel()
            await asyncio.wait({self._moving})
        await self._stack.aclose()

    def _leave(self) -> None:
        if self._forget is not None:
            self._forget(self)


class Told:
    """How each run stood when somebody was told of it last, of the runs that moved last."""

    def __init__(self) -> None:
        self._rows: OrderedDict[UUID, SummaryRow | None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rows)

    def is_news(self, change: Change) -> bool:
        """True unless just this was told before; it is remembered."""
        known = change.run_id in self._rows and self._rows[change.run_id] == change.row
        self._rows[change.run_id] = change.row
        self._rows.move_to_end(change.run_id)
        if len(self._rows) > MOST_REMEMBERED:
            self._rows.popitem(last=False)
        return not known


def _chosen(changes: list[Change], project_id: UUID, selection: Selection) -> list[tuple[Change, bool]]:
    """The changes that lists of this selection may have to be told of, and whether their run belongs to them now."""
    return [
        (change, change.row is not None and selection.matches(change.row))
        for change in changes
        if change.row is None or change.row.project_id == project_id
    ]


_FEEDS: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, RunFeed] = weakref.WeakKeyDictionary()


def shared_feed() -> RunFeed:
    """The feed of this event loop; a new one if nobody follows runs here, or if the last one failed."""
    loop = asyncio.get_running_loop()
    feed = _FEEDS.get(loop)
    if feed is None:
        feed = _FEEDS[loop] = RunFeed(forget=_forget)
    return feed


def _forget(feed: RunFeed) -> None:
    loop = asyncio.get_running_loop()
    if _FEEDS.get(loop) is feed:
        del _FEEDS[loop]
