"""One tail per run and process: rows are read once for all who watch, and one poll makes up for every lost nudge."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from uuid import UUID

import pytest
from django.db import DatabaseError
from pytest_django import Settings

from runs import hub
from runs.bridge import rows
from runs.models import Run
from runs.streaming import log, snapshots, tail, tails
from runs.streaming.feed import Reader, reading
from runs.streaming.log import heads_of, page_after
from runs.streaming.standing import Snapshot, snapshot_of
from runs.streaming.tails import tails_of_this_loop
from tests.integration.runs.conftest import append, store_run

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("logs are written by hand: what reads them is tested"),
]
PATIENCE = 15


@pytest.fixture
def never_nudged(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.asynccontextmanager
    async def subscribe(run_id: UUID) -> AsyncIterator[hub.Nudges]:
        yield hub.Nudges()

    monkeypatch.setattr(tail.hub, "subscribe", subscribe)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[tuple[UUID, int]]:
    """Every page that was read: of which run, after which event."""
    read: list[tuple[UUID, int]] = []

    def counted(run_id: UUID, after: int) -> log.Page:
        read.append((run_id, after))
        return page_after(run_id, after)

    monkeypatch.setattr(tail, "page_after", counted)
    return read


async def waits(reader: Reader) -> "asyncio.Task[list[log.LogEntry]]":
    """The reader has nothing to read and waits."""
    if not reader.is_current:
        assert not await reader.next_page()
    task = asyncio.create_task(reader.next_page())
    await asyncio.sleep(0)
    return task


async def test_rows_are_read_once_for_all_who_watch_and_frames_are_the_same_objects(
    pages: list[tuple[UUID, int]], settings: Settings
) -> None:
    settings.STREAM_POLL_MS = 60_000
    run = await rows(store_run)
    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(PATIENCE):
        readers = [await stack.enter_async_context(reading(run.id, 0)) for _ in range(50)]
        waiting = [await waits(reader) for reader in readers]
        pages.clear()
        await rows(append, run, 3)
        told = [await one for one in waiting]
    assert [[entry.seq for entry in entries] for entries in told] == [[1, 2, 3]] * 50
    # One reading for all; a listener that has only just begun wakes everybody once more.
    assert set(pages) == {(run.id, 0)}
    assert len(pages) <= 2
    assert len({id(entry.frame) for entries in told for entry in entries}) == 3


async def test_one_poll_asks_for_all_runs_and_wakes_those_alone_that_have_moved(
    never_nudged: None, pages: list[tuple[UUID, int]], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STREAM_POLL_MS = 50
    asked: list[int] = []

    def counted(run_ids: list[UUID]) -> object:
        asked.append(len(run_ids))
        return heads_of(run_ids)

    monkeypatch.setattr(tails, "heads_of", counted)
    runs = [await rows(store_run) for _ in range(5)]
    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(PATIENCE):
        readers = [await stack.enter_async_context(reading(run.id, 0)) for run in runs]
        waiting = [await waits(reader) for reader in readers]
        pages.clear()
        asked.clear()  # those of polls that came before all of them waited
        await rows(append, runs[3], 2)
        assert [entry.seq for entry in await waiting[3]] == [1, 2]
        assert pages == [(runs[3].id, 0)]
        assert set(asked) == {5}
        for task in waiting:
            task.cancel()
    assert len(tails_of_this_loop()) == 0


async def test_a_poll_that_fails_has_every_tail_look_for_itself(
    never_nudged: None, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(run_ids: list[UUID]) -> object:
        raise DatabaseError("away")

    settings.STREAM_POLL_MS = 50
    monkeypatch.setattr(tails, "heads_of", fail)
    run = await rows(store_run)
    async with reading(run.id, 0) as reader, asyncio.timeout(PATIENCE):
        waiting = await waits(reader)
        await rows(append, run)
        assert [entry.seq for entry in await waiting] == [1]
    assert "the poll of tails failed" in caplog.text


async def test_a_crowd_that_comes_at_once_shares_one_reading_of_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    run = await rows(store_run)
    await rows(append, run, 2)
    read: list[int] = []

    def counted(run_id: UUID) -> Snapshot:
        read.append(1)
        return snapshot_of(run_id)

    monkeypatch.setattr(snapshots, "snapshot_of", counted)
    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(PATIENCE):
        readers = [await stack.enter_async_context(reading(run.id, 0)) for _ in range(30)]
        shown = await asyncio.gather(*(reader.snapshot(at_least=2, age_s=0.1) for reader in readers))
        assert len(read) == 1
        assert len({id(snapshot.frame) for snapshot in shown}) == 1
        await rows(append, run, 1)
        # It should not be shown what was read before the event that it has seen already.
        assert (await readers[0].snapshot(at_least=3, age_s=60)).seq == 3
    assert len(read) == 2


async def test_a_failed_tail_is_told_to_all_and_whoever_comes_next_begins_anew(
    monkeypatch: pytest.MonkeyPatch, stored_run: Callable[..., Run]
) -> None:
    run = await rows(stored_run)
    async with reading(run.id, 0) as first, reading(run.id, 0) as second, asyncio.timeout(PATIENCE):
        waiting = [await waits(reader) for reader in (first, second)]

        def fail(run_id: UUID, after: int) -> log.Page:
            raise DatabaseError("away")

        with monkeypatch.context() as patch:
            patch.setattr(tail, "page_after", fail)
            await rows(append, run)
            for task in waiting:
                with pytest.raises(DatabaseError):
                    await task
        async with reading(run.id, 0) as third:
            assert [entry.seq for entry in await third.next_page()] == [1]
    assert len(tails_of_this_loop()) == 0
