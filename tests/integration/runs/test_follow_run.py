"""feed.follow: every event once, in order, whatever happens to nudges."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from uuid import UUID

import orjson
import pytest
from django.db import connection, transaction
from pytest_django import Settings

from runs import hub
from runs.bridge import rows
from runs.errors import RunNotFound
from runs.models import Run
from runs.models.identity import uuid7
from runs.streaming import log, tail
from runs.streaming.feed import LogBroken, follow

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("logs are written by hand: what reads them is tested"),
]
PATIENCE = 10


async def _seqs(run: Run, after: int = 0) -> list[int]:
    async with asyncio.timeout(PATIENCE):
        return [entry.seq async for entry in follow(run.id, after)]


async def test_an_ended_run_is_told_from_the_beginning_and_then_ends(
    stored_run: Callable[..., Run], append_events: Callable[..., list[int]], end_run: Callable[..., int]
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run, 4)
    await rows(end_run, run)

    assert await _seqs(run) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("beyond", [0, 1, 100])
async def test_a_cursor_at_or_past_the_ending_yields_nothing_and_ends(
    beyond: int, stored_run: Callable[..., Run], append_events: Callable[..., list[int]], end_run: Callable[..., int]
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run, 2)
    ending = await rows(end_run, run)

    assert await _seqs(run, ending + beyond) == []


async def test_what_is_appended_while_following_arrives_once_and_in_order_c08(
    stored_run: Callable[..., Run], append_events: Callable[..., list[int]], end_run: Callable[..., int]
) -> None:
    run = await rows(stored_run)
    followed = [asyncio.create_task(_seqs(run, after)) for after in (0, 3)]
    for _ in range(10):
        await rows(append_events, run, 3)
    await rows(end_run, run)

    assert [await task for task in followed] == [list(range(1, 32)), list(range(4, 32))]


async def test_a_lost_nudge_costs_the_poll_interval_and_no_event_l18(
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    stored_run: Callable[..., Run],
    append_events: Callable[..., list[int]],
    end_run: Callable[..., int],
) -> None:
    settings.STREAM_POLL_MS = 50
    monkeypatch.setattr(hub, "nudge", lambda run_id: None)
    run = await rows(stored_run)
    followed = asyncio.create_task(_seqs(run))
    await rows(append_events, run, 2)
    await rows(end_run, run)

    assert await followed == [1, 2, 3]


async def test_an_event_committed_between_the_subscription_and_the_first_read_is_not_lost(
    monkeypatch: pytest.MonkeyPatch, stored_run: Callable[..., Run], append_events: Callable[..., list[int]]
) -> None:
    run = await rows(stored_run)

    @contextlib.asynccontextmanager
    async def subscribe_then_append(run_id: UUID) -> AsyncIterator[hub.Nudges]:
        async with subscribe(run_id) as nudges:
            await rows(append_events, run)
            yield nudges

    subscribe = hub.subscribe
    monkeypatch.setattr(tail.hub, "subscribe", subscribe_then_append)
    async with contextlib.aclosing(follow(run.id)) as entries, asyncio.timeout(PATIENCE):
        assert (await anext(entries)).seq == 1


async def test_a_long_log_is_read_in_pages_of_one_statement_each(
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    stored_run: Callable[..., Run],
    append_events: Callable[..., list[int]],
    end_run: Callable[..., int],
) -> None:
    settings.STREAM_POLL_MS = 60_000  # it should not wait while there is more
    run = await rows(stored_run)
    await rows(append_events, run, 3 * log.PAGE_EVENTS)
    ending = await rows(end_run, run)
    statements: list[str] = []

    def counted(run_id: UUID, after: int) -> log.Page:
        def count(execute: Callable[..., object], sql: str, *args: object) -> object:
            statements.append(sql)
            return execute(sql, *args)

        with connection.execute_wrapper(count):
            return log.page_after(run_id, after)

    monkeypatch.setattr(tail, "page_after", counted)

    assert await _seqs(run) == list(range(1, ending + 1))
    # It should read three full pages and the rest.
    assert len(statements) == 4


async def test_a_page_ends_early_rather_than_growing_beyond_its_bytes(
    monkeypatch: pytest.MonkeyPatch,
    stored_run: Callable[..., Run],
    append_events: Callable[..., list[int]],
    end_run: Callable[..., int],
) -> None:
    monkeypatch.setattr(log, "PAGE_BYTES", 2_500)
    run = await rows(stored_run)
    await rows(append_events, run, 5, text="x" * 1_000)
    await rows(append_events, run, 1, text="x" * 9_000)
    ending = await rows(end_run, run)

    page = await rows(log.page_after, run.id, 0)

    assert [entry.seq for entry in page.entries] == [1, 2, 3]
    assert await _seqs(run) == list(range(1, ending + 1))


@pytest.mark.handmade_rows("an event was taken out of the log")
async def test_a_gap_in_the_log_is_never_passed_over(
    stored_run: Callable[..., Run], append_events: Callable[..., list[int]]
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run, 3)
    await rows(_remove_event, run, 2)

    with pytest.raises(LogBroken):
        await _seqs(run)


@pytest.mark.handmade_rows("the last event was taken out of the log")
async def test_a_log_that_ends_before_its_last_number_is_a_gap_and_not_read_over_and_over(
    stored_run: Callable[..., Run], append_events: Callable[..., list[int]]
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run, 3)
    await rows(_remove_event, run, 3)

    with pytest.raises(LogBroken):
        await _seqs(run)


async def test_following_an_unknown_run_raises(transactional_db: None) -> None:
    with pytest.raises(RunNotFound):
        await anext(follow(uuid7()))


async def test_a_run_deleted_meanwhile_ends_the_following(settings: Settings, stored_run: Callable[..., Run]) -> None:
    settings.STREAM_POLL_MS = 50
    run = await rows(stored_run)
    followed = asyncio.create_task(_seqs(run))
    await rows(run.delete)

    with pytest.raises(RunNotFound):
        await followed


async def test_whoever_is_cut_off_while_waiting_leaves_nothing_behind(
    stored_run: Callable[..., Run], append_events: Callable[..., list[int]]
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run)
    entries = follow(run.id)
    await anext(entries)
    assert run.id.hex in hub._listener()._subscribers

    waiting = asyncio.ensure_future(anext(entries))
    await asyncio.sleep(0)  # it waits now
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert run.id.hex not in hub._listener()._subscribers


async def test_an_entry_is_the_event_of_the_contract(
    stored_run: Callable[..., Run], append_events: Callable[..., list[int]]
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run, sender="alice", text="\u2028 <b>")
    async with contextlib.aclosing(follow(run.id)) as entries:
        event = orjson.loads((await anext(entries)).document)

    assert event["runId"] == str(run.id)
    assert event["seq"] == 1
    assert event["schemaVersion"] == 3
    assert event["source"] == {"kind": "runtime", "name": "scripted-runtime"}
    assert event["data"] == {"sender": "alice", "text": "\u2028 <b>"}
    # It should leave out what is absent, and say null in the flat copies.
    assert "subject" not in event
    assert "trace" not in event
    assert event["subjectKind"] is None


def _remove_event(run: Run, seq: int) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL signalbox.prune = 'on'")
        cursor.execute("DELETE FROM runs_event WHERE run_id = %s AND seq = %s", [run.id, seq])
