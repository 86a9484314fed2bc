"""Opening a stream counts once, for whoever opens it and however: SSE with a key or a ticket, WebSocket."""

from collections.abc import Callable

import pytest
from django.test import AsyncClient
from pytest_django import Settings

from config.http import throttled, throttling
from config.http.keys import principal_of_key
from config.http.throttling import Throttle
from runs.bridge import rows
from runs.models import RateWindow, Run
from runs.models.project import DEFAULT_PROJECT_ID
from runs.operations.ticket import Issuer, issue_ticket
from tests.bodies import short_body
from tests.websockets import KEY, close_of, connected

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("logs are written by hand: what reads them is tested"),
]

MakeRun = Callable[..., Run]
End = Callable[..., int]
LIMIT = 3
SSE, WS = "GET /runs/{run_id}/stream", "WS /ws/runs/{run_id}"


@pytest.fixture(autouse=True)
def limit(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.AUTH_API_KEYS = ["test=k"]
    settings.THROTTLE_LIMIT = LIMIT
    fresh = Throttle(throttling._reserve)
    for place in (throttling, throttled):
        monkeypatch.setattr(place, "throttle", fresh)


@pytest.fixture
async def run(stored_run: MakeRun, end_run: End) -> Run:
    """A run that has ended: its streams end at once."""
    made = await rows(stored_run)
    await rows(end_run, made)
    return made


def counted() -> dict[tuple[str, str], int]:
    return {(row.caller, row.route): row.given for row in RateWindow.objects.all()}


async def opened(run: Run, **query: str) -> object:
    return await AsyncClient().get(f"/runs/{run.id}/stream", {"afterSeq": "1", **query}, headers=headers_of(query))


def headers_of(query: dict[str, str]) -> dict[str, str]:
    return {} if "ticket" in query else {"Authorization": "Bearer k"}


async def test_an_event_stream_counts_once_and_says_what_is_left(run: Run) -> None:
    for left in ("2", "1", "0"):
        response = await opened(run)
        assert (response.status_code, response["X-RateLimit-Remaining"]) == (204, left)  # type: ignore[attr-defined,index]
    assert (await opened(run)).status_code == 429  # type: ignore[attr-defined]
    assert await rows(counted) == {("key:test", SSE): LIMIT}


async def test_a_ticket_counts_for_whoever_asked_for_it(run: Run) -> None:
    issuer = Issuer(name="test", credential=principal_of_key("k").credential)
    for status, left in ((204, "2"), (204, "1"), (204, "0"), (429, "0")):
        issued = await rows(issue_ticket, project_id=DEFAULT_PROJECT_ID, run_id=run.id, issuer=issuer)
        response = await opened(run, ticket=issued.secret)
        assert (response.status_code, response["X-RateLimit-Remaining"]) == (status, left)  # type: ignore[attr-defined,index]
    assert await rows(counted) == {("key:test", SSE): LIMIT}


async def test_a_ticket_that_is_no_good_counts_for_its_address(run: Run) -> None:
    answers = [(await opened(run, ticket="guessed")).status_code for _ in range(LIMIT + 1)]  # type: ignore[attr-defined]
    assert answers == [401] * LIMIT + [429]
    assert await rows(counted) == {("address:127.0.0.1", SSE): LIMIT}


async def test_a_websocket_too_many_is_closed_with_4429(run: Run) -> None:
    codes = []
    for _ in range(LIMIT + 1):
        async with connected(f"/ws/runs/{run.id}?afterSeq=1", KEY) as socket:
            codes.append((await close_of(socket))[1])
    assert codes == [1000] * LIMIT + [4429]
    # It should be a limit of its own beside that of event streams, and of the list.
    assert (await opened(run)).status_code == 204  # type: ignore[attr-defined]
    async with connected("/ws/runs", KEY) as socket:
        await socket.receive_output(10)
    assert set(await rows(counted)) == {("key:test", WS), ("key:test", SSE), ("key:test", "WS /ws/runs")}


async def test_strangers_who_try_websockets_are_limited_by_their_address(run: Run) -> None:
    codes = []
    for _ in range(LIMIT + 1):
        async with connected(f"/ws/runs/{run.id}") as socket:
            codes.append((await close_of(socket))[1])
    assert codes == [4401] * LIMIT + [4429]


async def test_in_the_event_loop_a_request_that_was_refused_is_not_served(run: Run) -> None:
    client, launch = AsyncClient(), {"headers": {"Authorization": "Bearer k"}, "content_type": "application/json"}
    answers = [(await client.post("/runs", short_body(), **launch)).status_code for _ in range(LIMIT + 1)]
    assert answers == [201] * LIMIT + [429]
    assert await rows(Run.objects.count) == 1 + LIMIT
    paths = [(await client.get(f"/nowhere/{number}")).status_code for number in range(LIMIT + 1)]
    assert paths == [404] * LIMIT + [429]
