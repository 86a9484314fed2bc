"""/ws/runs/{id}: the same frames as the event stream, and a close code for every way it ends or never begins."""

import asyncio
from collections.abc import Callable

import orjson
import pytest
from pytest_django import Settings

from runs.bridge import rows
from runs.models import Run
from runs.models.identity import uuid7
from runs.shutdown import Shutdown
from runs.streaming import consumers, seats, tail, withdrawal
from runs.streaming.tails import tails_of_this_loop
from tests.websockets import KEY, PATIENCE, close_of, connected

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("logs are written by hand: what reads them is tested"),
]

MakeRun = Callable[..., Run]
Append = Callable[..., list[int]]
End = Callable[..., int]


@pytest.fixture(autouse=True)
def keys(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.AUTH_API_KEYS = ["test=k"]
    settings.STREAM_POLL_MS = 200
    monkeypatch.setattr(seats, "seats", seats.Seats())


def _short(message: dict[str, object]) -> str:
    name = message["type"]
    assert ("id" in message) == (name == "canonical_event")
    return f"event {message['id']}" if name == "canonical_event" else str(name)


async def test_a_run_is_told_to_its_end_and_closed_with_1000(
    stored_run: MakeRun, append_events: Append, end_run: End
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run, 2)

    async with connected(f"/ws/runs/{run.id}?afterSeq=0&snapshotMs=0", KEY) as socket:
        first = orjson.loads((await socket.receive_output(PATIENCE))["text"])
        assert first["type"] == "snapshot"
        assert first["data"]["timeline"]["latestSeq"] == 2
        await rows(end_run, run)
        told, code, _ = await close_of(socket)

    assert [_short(message) for message in told] == ["event 1", "event 2", "event 3", "end"]
    assert told[-1]["data"] == {"status": "completed", "seq": 3, "code": "resolved"}
    assert code == 1000


async def test_whoever_knows_the_ending_is_closed_at_once_s06(stored_run: MakeRun, end_run: End) -> None:
    run = await rows(stored_run)
    ending = await rows(end_run, run)
    async with connected(f"/ws/runs/{run.id}?afterSeq={ending}", KEY) as socket:
        assert await close_of(socket) == ([], 1000, "")


@pytest.mark.parametrize(
    ("address", "headers", "code", "reason"),
    [
        ("/ws/runs/{id}?heartbeatMs=1&afterSeq=x", [KEY], 4400, ""),
        ("/ws/runs/no-uuid", [KEY], 4400, ""),
        ("/ws/runs/{id}", [], 4401, "Missing Authorization header"),
        ("/ws/runs/{id}", [(b"authorization", b"Bearer other")], 4401, "Invalid authorization token"),
        ("/ws/runs/{id}?ticket=none", [], 4401, ""),
        ("/ws/runs/{other}", [KEY], 4404, ""),
        ("/ws/elsewhere", [KEY], 4404, ""),
        ("/ws/runs/{id}?afterSeq=4", [KEY], 4409, ""),
    ],
)
async def test_what_may_not_begin_is_refused_by_its_code_s13(
    address: str, headers: list[tuple[bytes, bytes]], code: int, reason: str, stored_run: MakeRun, append_events: Append
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run, 3)
    async with connected(address.format(id=run.id, other=uuid7()), *headers) as socket:
        told, closed, why = await close_of(socket)
    assert (told, closed) == ([], code)
    assert why.startswith(reason)


async def test_more_streams_than_a_caller_may_have_are_refused(settings: Settings, stored_run: MakeRun) -> None:
    settings.STREAM_MAX_PER_CALLER = 1
    run = await rows(stored_run)
    async with connected(f"/ws/runs/{run.id}", KEY) as first:
        await first.receive_output(PATIENCE)
        async with connected(f"/ws/runs/{run.id}", KEY) as second:
            assert (await close_of(second))[1] == 4429
    # It should be free again once the first has gone.
    async with connected(f"/ws/runs/{run.id}", KEY) as third:
        assert (await third.receive_output(PATIENCE))["type"] == "websocket.send"


@pytest.mark.parametrize("carrier", ["snapshot", "none"])
async def test_a_key_that_is_withdrawn_closes_its_stream_s08(
    carrier: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, stored_run: MakeRun
) -> None:
    monkeypatch.setattr(withdrawal, "ASK_SECONDS", 0.1)
    run = await rows(stored_run)
    async with connected(f"/ws/runs/{run.id}?includeSnapshot={str(carrier == 'snapshot').lower()}", KEY) as socket:
        await asyncio.sleep(0.3)  # it is asked several times, and may stay
        settings.AUTH_API_KEYS = ["test=another"]
        told, code, _ = await close_of(socket)
    assert [_short(message) for message in told][-1] == "error"
    assert told[-1]["data"]["errorCode"] == "UNAUTHENTICATED"  # type: ignore[index]
    assert code == 4401


async def test_a_shutdown_closes_with_1012(stored_run: MakeRun) -> None:
    shutdown = Shutdown()
    run = await rows(stored_run)
    async with connected(f"/ws/runs/{run.id}", KEY, shutdown=shutdown) as socket:
        await socket.receive_output(PATIENCE)
        shutdown.begin()
        assert await close_of(socket) == ([], 1012, "")


async def test_a_failure_is_told_and_closed_with_1011(monkeypatch: pytest.MonkeyPatch, stored_run: MakeRun) -> None:
    def fail(*arguments: object) -> object:
        raise RuntimeError("internal")

    run = await rows(stored_run)
    monkeypatch.setattr(tail, "page_after", fail)
    async with connected(f"/ws/runs/{run.id}?includeSnapshot=false", KEY) as socket:
        told, code, reason = await close_of(socket)
    assert [message["data"]["errorCode"] for message in told] == ["INTERNAL_ERROR"]  # type: ignore[index]
    assert (code, reason) == (1011, "")


async def test_what_a_client_says_is_ignored_until_it_says_too_much(stored_run: MakeRun) -> None:
    run = await rows(stored_run)
    async with connected(f"/ws/runs/{run.id}", KEY) as socket:
        await socket.receive_output(PATIENCE)
        for _ in range(consumers.MESSAGES_PER_SECOND):
            await socket.send_to(text_data='{"type": "anything"}')
        assert await socket.receive_nothing(0.1)
        for _ in range(consumers.MESSAGES_PER_SECOND):
            await socket.send_to(text_data="x")
        assert (await close_of(socket))[1] == 4429


async def test_a_client_that_leaves_leaves_nothing_behind_c15(stored_run: MakeRun) -> None:
    run = await rows(stored_run)
    for _ in range(20):
        async with connected(f"/ws/runs/{run.id}", KEY) as socket:
            await socket.receive_output(PATIENCE)
    await asyncio.sleep(0)
    assert not len(tails_of_this_loop())
    assert seats.seats.taken("key:test") == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}
