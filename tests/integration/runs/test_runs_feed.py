"""/ws/runs below its consumer: a list, and what changes in it, read once for everybody."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any, NoReturn
from uuid import UUID

import orjson
import pytest
from django.db import OperationalError, transaction
from django.utils import timezone
from pytest_django import Settings

from runs import hub
from runs.bridge import rows
from runs.domain.documents import SummaryRow
from runs.domain.events import Draft, EventType
from runs.hub.listener import ANY_RUN
from runs.models import AuditEntry, Run
from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID
from runs.queries import RunFilter
from runs.queries.summaries import horizon, moved_runs, newest_summaries, summaries_of
from runs.recorder import writing
from runs.shutdown import Shutdown
from runs.streaming import first_list, run_feed, run_list
from runs.streaming.run_feed import RunFeed
from runs.streaming.selection import ListSubscription
from runs.streaming.summaries import summaries
from tests.cast import queued_run, running_run
from tests.integration.runs.conftest import append, end, store_run
from tests.run_lists import ListViewer, viewing

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("runs are ended, archived and deleted by hand: what reads them is tested"),
]


@pytest.fixture(autouse=True)
def nudged_only(settings: Settings) -> None:
    """Nobody polls, unless a test says so: what arrives, a nudge has brought."""
    settings.STREAM_POLL_MS = 600_000


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Every nudge is lost, and each poll finds little more than what is new: times of events are rounded down by 1 ms."""
    settings.STREAM_POLL_MS = 50
    monkeypatch.setattr(run_feed, "OVERLAP", timedelta(milliseconds=2))
    monkeypatch.setattr(hub, "nudge", lambda run_id: None)


class Clock:
    """A clock that the test winds."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


Leave = Callable[[Run], object]
PATIENCE = 10.0


def archive(run: Run) -> None:
    with transaction.atomic():
        Run.objects.filter(id=run.id).update(archived_at=timezone.now(), updated_at=timezone.now())
        note(run, "run.archived")
        hub.nudge(run.id)


def bring_back(run: Run) -> None:
    with transaction.atomic():
        Run.objects.filter(id=run.id).update(archived_at=None, updated_at=timezone.now())
        note(run, "run.unarchived")
        hub.nudge(run.id)


def delete(run: Run) -> None:
    with transaction.atomic():
        Run.objects.filter(id=run.id).delete()
        note(run, "run.deleted")
        hub.nudge(run.id)


def note(run: Run, action: str) -> None:
    AuditEntry.objects.create(
        project_id=run.project_id, actor="k", actor_type="api_key", action=action, resource="run", resource_id=run.id
    )


async def test_the_first_list_is_the_newest_runs_that_match_and_how_many_do() -> None:
    made = [await rows(running_run, tags=["a"]) for _ in range(3)]
    await rows(queued_run)

    async with viewing(tags=("a",), limit=2) as (viewer, listed):
        assert listed == [str(made[2].id), str(made[1].id)]
        snapshot = orjson.loads(viewer.frames[0].data)
    assert snapshot["total"] == 3
    assert set(snapshot) == {"data", "total"}
    newest = snapshot["data"][0]
    assert (newest["status"], newest["lastEventSeq"], newest["tags"]) == ("running", 4, ["a"])
    assert set(newest) == {
        *("id", "status", "mode", "modeName", "runtimeKind", "runtimeSessionId", "sourceKind", "sourceRef", "tags"),
        *("lastEventSeq", "errorCode", "createdAt", "startedAt", "endedAt", "archivedAt", "updatedAt"),
    }


async def test_each_viewer_is_told_of_what_it_selected() -> None:
    async with viewing() as (everything, _), viewing(status="running") as (running, _):
        waits = await rows(queued_run)
        assert (await everything.next_of(waits.id))[0] == "run"

        runs = await rows(running_run)
        for viewer in (everything, running):
            assert (await viewer.until(runs.id, status="running"))["lastEventSeq"] == 4
    assert str(waits.id).encode() not in b"".join(frame.data for frame in running.frames)


@pytest.mark.parametrize("leave", [end, archive, delete])
async def test_a_run_that_leaves_the_selection_is_removed(leave: Leave) -> None:
    run = await rows(running_run)
    async with viewing(status="running") as (viewer, listed):
        assert listed == [str(run.id)]
        await rows(leave, run)
        await viewer.until_removed(run.id)


async def test_a_run_that_ends_is_shown_ended_to_whoever_follows_all() -> None:
    run = await rows(running_run)
    async with viewing() as (viewer, _):
        await rows(end, run, status="failed", code="session_lost")
        shown = await viewer.until(run.id, status="failed")

    assert shown["errorCode"] == "session_lost"
    assert shown["endedAt"] is not None


async def test_an_archived_run_comes_back() -> None:
    run = await rows(running_run)
    async with viewing() as (viewer, _):
        await rows(archive, run)
        await viewer.until_removed(run.id)
        await rows(bring_back, run)
        await viewer.until(run.id, archivedAt=None)


async def test_nobody_is_told_of_one_run_twice_within_a_second() -> None:
    clock, run = Clock(), await rows(running_run)
    async with viewing(feed=RunFeed(clock=clock)) as (viewer, _):
        await heard_from_a_newcomer(viewer)  # and of all nudges before
        clock.seconds += 5
        await rows(append, run)
        assert (await viewer.until(run.id, lastEventSeq=5))["id"] == str(run.id)

        # It should be silent of the run for the rest of its second, while others are told of.
        told = len(viewer.frames)
        for _ in range(3):
            clock.seconds += 0.25
            await rows(append, run)
            await heard_from_a_newcomer(viewer)
        assert str(run.id).encode() not in b"".join(frame.data for frame in viewer.frames[told:])

        clock.seconds += 0.25
        await rows(queued_run)  # its nudge wakes the feed, for which no time passes by itself
        assert (await viewer.next_of(run.id))[1]["lastEventSeq"] == 8


@pytest.mark.parametrize("change", [append, end, archive, delete])
async def test_lost_nudges_cost_the_poll_interval_and_no_change(deaf: None, change: Leave) -> None:
    run = await rows(running_run)
    async with viewing(include_archived=True) as (everything, _), viewing(status="running") as (running, _):
        for viewer in (everything, running, everything):  # so many polls: the run's own beginning is long past
            await heard_from_a_newcomer(viewer)
        await rows(change, run)

        if change is append:
            await running.until(run.id, lastEventSeq=5)
        else:
            await running.until_removed(run.id)
        if change is delete:
            await everything.until_removed(run.id)
        elif change is archive:
            assert (await everything.next_of(run.id))[1]["archivedAt"] is not None
        else:
            await everything.until(run.id, lastEventSeq=5)


async def test_a_run_brought_back_is_seen_though_nobody_nudged(deaf: None) -> None:
    run = await rows(running_run)
    await rows(archive, run)
    async with viewing() as (viewer, listed):
        assert listed == []
        await rows(bring_back, run)
        await viewer.until(run.id, archivedAt=None)


async def test_what_has_not_changed_is_not_told_again(deaf: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_feed, "OVERLAP", timedelta(minutes=1))
    clock, run = Clock(), await rows(running_run)
    async with viewing(feed=RunFeed(clock=clock)) as (viewer, _):
        await rows(append, run)
        for _ in range(3):  # the run is found by each poll, for these overlap
            newcomer = await rows(running_run)
            clock.seconds += 5
            await viewer.until(newcomer.id)

    about = [orjson.loads(frame.data) for frame in viewer.frames if str(run.id).encode() in frame.data]
    assert [one["lastEventSeq"] for one in about if one.get("lastEventSeq") == 5] == [5]


async def test_a_listener_that_was_away_has_its_feed_look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    run = await rows(running_run)
    async with viewing() as (viewer, _):
        await heard_from_a_newcomer(viewer)
        with monkeypatch.context() as patch:
            patch.setattr(hub, "nudge", lambda run_id: None)
            await rows(append, run)
        hub._listener()._return()  # as after each new connection
        await viewer.until(run.id, lastEventSeq=5)


async def test_many_runs_that_move_together_are_looked_at_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_feed, "ROWS_PER_READING", 2)
    pages: list[int] = []

    def counted(run_ids: list[UUID]) -> dict[UUID, SummaryRow]:
        pages.append(len(run_ids))
        return summaries_of(run_ids)

    monkeypatch.setattr(run_feed, "summaries_of", counted)
    async with viewing() as (viewer, _):
        untold = {str((await rows(running_run)).id) for _ in range(7)}
        while untold:
            frame = await viewer.next()
            assert frame is not None, "the stream ended by itself"
            untold.discard(frame[1]["id"])
    assert max(pages) <= 2


async def test_what_commits_late_is_not_passed_over(deaf: None) -> None:
    run = await rows(running_run)
    async with viewing() as (viewer, _):
        late = LateCommit(run)
        await late.written()
        for _ in range(3):  # each is found by a later poll
            await heard_from_a_newcomer(viewer)
        await late.commit()
        await viewer.until(run.id, lastEventSeq=5)


async def test_the_horizon_is_before_every_transaction_that_writes() -> None:
    run = await rows(running_run)
    before = await rows(horizon)
    assert before.since == before.at

    late = LateCommit(run)
    await late.written()
    during = await rows(horizon)
    await late.commit()
    after = await rows(horizon)

    changed = await rows(Run.objects.get, id=run.id)
    assert before.at < during.since <= changed.updated_at + timedelta(milliseconds=1) < during.at
    assert after.since > changed.updated_at


async def test_the_rows_are_read_and_frames_are_built_once_for_all_viewers(monkeypatch: pytest.MonkeyPatch) -> None:
    readings: list[list[UUID]] = []

    def counted(run_ids: list[UUID]) -> dict[UUID, SummaryRow]:
        readings.append(run_ids)
        return summaries_of(run_ids)

    monkeypatch.setattr(run_feed, "summaries_of", counted)
    run = await rows(running_run)
    async with AsyncExitStack() as stack:
        viewers = [
            (await stack.enter_async_context(viewing(status=status)))[0]
            for status in (None, "running")
            for _ in range(5)
        ]
        for viewer in viewers:
            await heard_from_a_newcomer(viewer)
        readings.clear()
        await rows(append, run)
        for viewer in viewers:
            await viewer.until(run.id, lastEventSeq=5)

    assert len([reading for reading in readings if run.id in reading]) == 1
    assert len({id(viewer.frames[-1]) for viewer in viewers}) == 1


async def test_a_crowd_that_comes_together_shares_its_first_list(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[RunFilter] = []

    def counted(project_id: UUID, wanted: RunFilter, **how: Any) -> tuple[list[SummaryRow], int | None]:
        asked.append(wanted)
        return newest_summaries(project_id, wanted, **how)

    monkeypatch.setattr(first_list, "newest_summaries", counted)
    async with AsyncExitStack() as stack:
        await asyncio.gather(*(stack.enter_async_context(viewing()) for _ in range(10)))

    assert len(asked) == 1


async def test_what_changes_while_the_first_list_is_read_is_told_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    run = await rows(running_run)
    has_read, may_go_on = threading.Event(), threading.Event()

    def held(project_id: UUID, wanted: RunFilter, **how: Any) -> tuple[list[SummaryRow], int | None]:
        found = newest_summaries(project_id, wanted, **how)
        if wanted.status and not has_read.is_set():
            has_read.set()
            may_go_on.wait(PATIENCE)
        return found

    monkeypatch.setattr(first_list, "newest_summaries", held)
    async with viewing() as (others, _), AsyncExitStack() as stack:
        opening = asyncio.create_task(stack.enter_async_context(viewing(status="running")))
        await asyncio.to_thread(has_read.wait, PATIENCE)
        await rows(end, run)
        await others.until(run.id, status="completed")

        # It should not be given a list that is older than what it will be told.
        async with viewing(status="running") as (_, listed):
            assert listed == []

        may_go_on.set()
        viewer, listed = await opening
        assert listed == [str(run.id)]
        assert await viewer.next() == ("run_removed", {"id": str(run.id)})


async def test_no_run_crosses_projects_i17() -> None:
    elsewhere = uuid7()
    foreign = await rows(store_run, project_id=elsewhere, mode="live")
    async with viewing() as (ours, listed), viewing(project_id=elsewhere) as (theirs, listed_there):
        assert (listed, listed_there) == ([], [str(foreign.id)])

        await rows(append, foreign)
        await theirs.until(foreign.id, lastEventSeq=1)
        await heard_from_a_newcomer(ours)
        await rows(delete, foreign)
        await theirs.until_removed(foreign.id)
        await heard_from_a_newcomer(ours)

    assert str(foreign.id).encode() not in b"".join(frame.data for frame in ours.frames)


async def test_only_runs_of_the_projects_that_are_watched_are_looked_for_i17() -> None:
    elsewhere = uuid7()
    begun = (await rows(horizon)).since
    foreign = [await rows(store_run, project_id=elsewhere) for _ in range(2)]
    ours = [await rows(store_run) for _ in range(2)]
    for moved, archived in (foreign, ours):
        await rows(append, moved)
        await rows(note, archived, "run.archived")

    assert await rows(moved_runs, [DEFAULT_PROJECT_ID], begun) == {run.id for run in ours}
    assert await rows(moved_runs, [DEFAULT_PROJECT_ID, elsewhere], begun) == {run.id for run in (*ours, *foreign)}
    assert await rows(moved_runs, [], begun) == set()


async def test_a_database_that_fails_ends_every_stream_and_the_next_one_is_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(run_ids: list[UUID]) -> NoReturn:
        raise OperationalError("gone")

    run = await rows(running_run)
    async with viewing() as (one, _), viewing(status="running") as (slow, _):
        with monkeypatch.context() as patch:
            patch.setattr(run_feed, "summaries_of", fail)
            await rows(append, run)
            await _breaks_off(one)

        # It should not matter that some have not noticed yet.
        async with viewing() as (later, listed):
            assert listed == [str(run.id)]
            await rows(append, run)
            await later.until(run.id, lastEventSeq=6)
            await _breaks_off(slow)


async def _breaks_off(viewer: ListViewer) -> None:
    while (frame := await viewer.next()) is not None and frame[0] == "run":
        pass
    message = "The database cannot be reached."
    assert frame == ("error", {"errorCode": "SERVICE_UNAVAILABLE", "message": message})
    assert await viewer.next() is None


async def test_a_feed_that_cannot_begin_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> NoReturn:
        raise OperationalError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(run_feed, "horizon", fail)
        (burst,) = [burst async for burst in summaries(DEFAULT_PROJECT_ID, ListSubscription())]
    assert orjson.loads(burst[0].data)["errorCode"] == "SERVICE_UNAVAILABLE"

    async with viewing():
        pass


async def test_nothing_is_left_when_the_last_viewer_leaves() -> None:
    async with viewing(), viewing(status="running"):
        assert ANY_RUN in hub._listener()._subscribers
        feed = run_feed.shared_feed()

    assert ANY_RUN not in hub._listener()._subscribers
    assert feed._lists == {}
    assert feed is not run_feed.shared_feed()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "feed of runs"]


async def test_a_list_that_has_grown_too_long_is_to_be_had_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_list, "LONGEST_LIST", 2)
    async with viewing() as (viewer, _):
        for _ in range(3):
            await rows(queued_run)
        while (frame := await viewer.next()) is not None:
            assert frame[0] == "run"


async def test_a_shutdown_ends_the_stream_without_a_word() -> None:
    shutdown = Shutdown()
    async with viewing(shutdown=shutdown) as (viewer, _):
        shutdown.begin()
        assert await viewer.next() is None


async def test_silence_is_filled_with_heartbeats(settings: Settings) -> None:
    settings.STREAM_SSE_HEARTBEAT_MS = 50
    async with viewing() as (viewer, _):
        frame = await viewer.next()

    assert frame is not None
    assert frame[0] == "heartbeat"
    assert set(frame[1]) == {"ts"}
    assert datetime.fromisoformat(frame[1]["ts"]) <= timezone.now() + timedelta(seconds=1)


async def heard_from_a_newcomer(viewer: ListViewer) -> None:
    """A new run was made, and the viewer has heard of it: the feed has heard everything before it."""
    newcomer = await rows(running_run)
    await viewer.until(newcomer.id)


class LateCommit:
    """A transaction that adds an event to a run and stays open until it is told to commit."""

    def __init__(self, run: Run) -> None:
        self._has_written, self._may_commit = threading.Event(), threading.Event()
        self._writing = asyncio.create_task(rows(self._write, run))

    def _write(self, run: Run) -> None:
        with writing(run.id, epoch=None) as writer:
            writer.append([Draft(type=EventType.PROGRESS_REPORTED, data={"percentage": 1})])
            self._has_written.set()
            self._may_commit.wait(PATIENCE)

    async def written(self) -> None:
        """The event has its number and its time."""
        assert await asyncio.to_thread(self._has_written.wait, PATIENCE)

    async def commit(self) -> None:
        """Everybody can see it."""
        self._may_commit.set()
        await self._writing
