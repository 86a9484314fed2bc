"""/ws/runs over its consumer: who may open it, what the query may say, and the close code of every way it ends."""

import asyncio
from typing import Any, NoReturn

import orjson
import pytest
from channels.testing import WebsocketCommunicator
from django.db import OperationalError
from pytest_django import Settings

from runs import hub
from runs.bridge import rows
from runs.models.run import RunQuerySet
from runs.shutdown import Shutdown
from runs.streaming import run_feed, run_list, seats, withdrawal
from tests.cast import queued_run, running_run
from tests.integration.runs.conftest import append
from tests.websockets import KEY, PATIENCE, close_of, connected

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("logs are written by hand: what reads them is tested"),
]


@pytest.fixture(autouse=True)
def keys(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.AUTH_API_KEYS = ["test=k"]
    settings.STREAM_POLL_MS = 200
    monkeypatch.setattr(seats, "seats", seats.Seats())


async def message_of(socket: WebsocketCommunicator) -> dict[str, Any]:
    """The next message."""
    message: dict[str, Any] = orjson.loads((await socket.receive_output(PATIENCE))["text"])
    return message


async def test_a_list_and_then_its_changes() -> None:
    run = await rows(running_run)
    await rows(queued_run)
    async with connected("/ws/runs?status=running&limit=1", KEY) as socket:
        first = await message_of(socket)
        assert first["type"] == "snapshot"
        assert [row["id"] for row in first["data"]["data"]] == [str(run.id)]
        assert first["data"]["total"] == 1

        await rows(append, run)
        while (news := await message_of(socket))["data"]["lastEventSeq"] != 5:
            pass
    assert set(news) == {"type", "data"}
    assert (news["type"], news["data"]["id"]) == ("run", str(run.id))


async def test_without_a_total_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        await rows(queued_run)
    monkeypatch.setattr(RunQuerySet, "count", _refuse)
    async with connected("/ws/runs?limit=1&includeTotal=false", KEY) as socket:
        first = await message_of(socket)

    assert first["type"] == "snapshot"
    assert set(first["data"]) == {"data"}
    assert len(first["data"]["data"]) == 1


def _refuse(*_: object) -> NoReturn:
    raise AssertionError("nothing is to be counted")


@pytest.mark.parametrize(
    "query", ["status=done", "tags=%00", "modeName=%00", "includeSandbox=2", "limit=0", "limit=201"]
)
async def test_a_bad_query_is_refused_with_its_field(query: str) -> None:
    async with connected(f"/ws/runs?{query}", KEY) as socket:
        told, code, reason = await close_of(socket)

    assert (told, code) == ([], 4400)
    assert reason.startswith(query.partition("=")[0] + ": must ")


@pytest.mark.parametrize(
    ("address", "headers", "code"),
    [
        ("/ws/runs", [], 4401),
        ("/ws/runs", [(b"authorization", b"Bearer other")], 4401),
        ("/ws/runs?ticket=none", [], 4401),
        ("/ws/runs/", [KEY], 4404),
    ],
)
async def test_who_may_not_read_is_refused_by_its_code(
    address: str, headers: list[tuple[bytes, bytes]], code: int
) -> None:
    async with connected(address, *headers) as socket:
        told, closed, _ = await close_of(socket)

    assert (told, closed) == ([], code)


async def test_it_takes_one_of_the_callers_seats(settings: Settings) -> None:
    settings.STREAM_MAX_PER_CALLER = 1
    async with connected("/ws/runs", KEY) as first:
        await message_of(first)
        async with connected("/ws/runs", KEY) as second:
            assert (await close_of(second))[1] == 4429
    # It should be free again once the first has gone.
    async with connected("/ws/runs", KEY) as third:
        await message_of(third)


async def test_a_key_that_is_withdrawn_closes_it_s08(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(withdrawal, "ASK_SECONDS", 0.1)
    async with connected("/ws/runs", KEY) as socket:
        await message_of(socket)
        settings.AUTH_API_KEYS = ["test=another"]
        told, code, _ = await close_of(socket)

    assert told[-1]["data"]["errorCode"] == "UNAUTHENTICATED"
    assert code == 4401


async def test_a_shutdown_closes_with_1012() -> None:
    shutdown = Shutdown()
    async with connected("/ws/runs", KEY, shutdown=shutdown) as socket:
        await message_of(socket)
        shutdown.begin()
        assert await close_of(socket) == ([], 1012, "")


async def test_a_list_that_has_grown_too_long_closes_with_1012(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_list, "LONGEST_LIST", 1)
    async with connected("/ws/runs", KEY) as socket:
        await message_of(socket)
        await rows(queued_run)
        await rows(queued_run)
        assert (await close_of(socket))[1] == 1012


async def test_a_database_that_fails_is_told_and_closed_with_1011(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(projects: object, since: object) -> NoReturn:
        raise OperationalError("gone")

    async with connected("/ws/runs", KEY) as socket:
        await message_of(socket)
        with monkeypatch.context() as patch:
            patch.setattr(run_feed, "moved_runs", fail)
            told, code, _ = await close_of(socket)
    assert [(one["type"], one["data"]["errorCode"]) for one in told] == [("error", "SERVICE_UNAVAILABLE")]
    assert code == 1011


async def test_a_client_that_leaves_leaves_nothing_behind_c15() -> None:
    async with connected("/ws/runs", KEY) as socket:
        await message_of(socket)
        assert hub.ANY_RUN in hub._listener()._subscribers

    assert hub.ANY_RUN not in hub._listener()._subscribers
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "feed of runs"]
