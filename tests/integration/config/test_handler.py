"""The handler of a web process: one thread for a whole request, none for a view that waits in the loop."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.core.signals import request_finished

from config.handler import Handler
from tests.integration.config import routes
from tests.integration.config.conftest import KEY

PATIENCE = 10.0


class Call:
    """One request, and what the server was given to send; `gone` says that its caller has left."""

    def __init__(self, path: str, *, root_path: str = "") -> None:
        headers = [(b"host", b"testserver"), (b"authorization", f"Bearer {KEY}".encode())]
        self._scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
        self._scope["root_path"] = root_path
        self._asked = False
        self.sent: list[Mapping[str, Any]] = []
        self.began = asyncio.Event()
        self.gone = asyncio.Event()

    @property
    def body(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()

    async def answered(self) -> "Call":
        async with asyncio.timeout(PATIENCE):
            await Handler()(dict(self._scope), self._receive, self._send)
        return self

    async def _receive(self) -> dict[str, object]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b""}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Mapping[str, Any]) -> None:
        self.sent.append(message)
        if message.get("body"):
            self.began.set()


@pytest.fixture(autouse=True)
def _nothing_noted() -> None:
    routes.closings.clear()
    routes.answers.clear()


@pytest.fixture
def finished() -> Iterator[list[object]]:
    """Who has said that a request is finished."""
    senders: list[object] = []

    def note(sender: object, **_: object) -> None:
        senders.append(sender)

    request_finished.connect(note)
    yield senders
    request_finished.disconnect(note)


async def test_all_of_a_request_runs_on_one_thread_of_its_own(finished: list[object]) -> None:
    call = await Call("/noting").answered()

    [answer] = routes.answers
    assert answer.threads == {call.body.partition(" ")[0]}
    assert answer.threads != {threading.current_thread().name}
    assert (len(routes.closings), finished) == (1, [Handler])


async def test_a_view_that_is_a_coroutine_runs_in_the_loop() -> None:
    assert (await Call("/waiting").answered()).body == threading.current_thread().name


async def test_a_path_that_leads_nowhere_is_answered_all_the_same() -> None:
    call = await Call("/no/such/path").answered()

    assert call.sent[0]["status"] == 404


async def test_where_the_service_is_mounted_is_known_on_the_thread_of_a_request() -> None:
    assert (await Call("/box/noting", root_path="/box").answered()).body.endswith(" /box/")
    assert (await Call("/noting").answered()).body.endswith(" /")


async def test_a_coroutine_is_found_below_a_mount_too() -> None:
    assert (await Call("/box/waiting", root_path="/box").answered()).body == threading.current_thread().name


async def test_an_answer_that_streams_ends_when_its_reader_leaves(finished: list[object]) -> None:
    call = Call("/endless")
    answering = asyncio.create_task(call.answered())
    async with asyncio.timeout(PATIENCE):
        await call.began.wait()
        call.gone.set()
        await answering

    assert routes.closings == ["chunks"]
    assert finished == [Handler]


async def test_a_caller_who_leaves_before_the_request_is_whole_gets_no_answer() -> None:
    sent: list[Mapping[str, Any]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/noting", "query_string": b"", "headers": []}
    await Handler()(scope, receive, send)

    assert sent == []
    assert routes.answers == []
