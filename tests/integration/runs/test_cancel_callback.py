"""The cancel callback of an agent that opened its own session: what it is told, and what nobody else learns (D01, D03)."""

import asyncio
import logging
import time
import traceback
from collections.abc import Sequence
from uuid import UUID

import orjson
import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from runs.bridge import rows
from runs.errors import CallbackFailed
from runs.observer.callback import call_back
from runs.observer.owned import load_owned
from tests.bodies import Body, short_body
from tests.caller import Post
from tests.invariants import assert_invariants
from tests.receiver import Behaviour, Receiver, answering, dribbling, receiving

pytestmark = pytest.mark.django_db(transaction=True)

BEARER = "canary-3b9e.of/the=agent"
NAME = "agent.example"
EPOCH = 7


@pytest.fixture(autouse=True)
def open_loopback(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_HTTP = True
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]


def body_with(**callback: str) -> Body:
    body = short_body()
    body["session"] |= {"opener": "agent", "metadata": {"cancelCallback": callback}}
    return body


async def on_loopback(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


class Call:
    """One run that was launched with a callback to `behaviour`, and what came of calling it."""

    def __init__(self, post_run: Post, behaviour: Behaviour, *, reason: str | None = "enough", **callback: str) -> None:
        self.run_id = UUID(int=0)
        self.receiver = Receiver(behaviour)
        self.failure: CallbackFailed | None = None
        asyncio.run(self._make(post_run, behaviour, reason, callback))

    async def _make(self, post_run: Post, behaviour: Behaviour, reason: str | None, callback: dict[str, str]) -> None:
        async with receiving(behaviour) as self.receiver:
            body = body_with(url=f"http://{NAME}:{self.receiver.port}/cancel?key=v", **callback)
            self.run_id = UUID((await rows(post_run, body))["runId"])
            run = await rows(load_owned, self.run_id, EPOCH)
            try:
                await call_back(run, reason, resolve=on_loopback)
            except CallbackFailed as failure:
                self.failure = failure

    @property
    def failed_for(self) -> object:
        """Why it failed, in the word that is shown."""
        assert self.failure is not None
        assert self.failure.code == "CALLBACK_FAILED"
        return self.failure.details["reason"]


@pytest.mark.parametrize("status", [200, 202, 204])
def test_the_agent_is_told_which_run_and_why_with_its_bearer(post_run: Post, status: int) -> None:
    call = Call(post_run, answering(status), bearer=BEARER)

    assert call.failure is None
    assert orjson.loads(call.receiver.body) == {"runId": str(call.run_id), "reason": "enough"}
    first, *headers = call.receiver.head
    assert first == "POST /cancel?key=v HTTP/1.1"
    assert {
        f"Authorization: Bearer {BEARER}",
        "Content-Type: application/json",
        f"X-Run-Epoch: {EPOCH}",
    } <= set(headers)


def test_without_a_bearer_none_is_sent_and_without_a_reason_it_is_null(post_run: Post) -> None:
    call = Call(post_run, answering(200), reason=None)

    assert orjson.loads(call.receiver.body)["reason"] is None
    assert not any(line.lower().startswith("authorization") for line in call.receiver.head)


@pytest.mark.parametrize("status", [302, 307, 400, 401, 404, 410, 429, 500, 503])
def test_any_answer_but_2xx_is_a_failure_that_names_the_status(post_run: Post, status: int) -> None:
    call = Call(post_run, answering(status, b"no", "Location: http://169.254.169.254/"))

    assert call.failed_for == "status"
    assert call.failure is not None
    assert call.failure.details["status"] == status
    assert call.failure.message == f"the cancel callback failed: it answered {status}"
    assert len(call.receiver.requests) == 1


def test_an_agent_that_takes_too_long_has_failed(post_run: Post, settings: Settings) -> None:
    settings.CANCEL_CALLBACK_TIMEOUT_MS = 300
    started = time.monotonic()
    call = Call(post_run, dribbling(b"HTTP/1.1 200 OK\r\n"))

    assert call.failed_for == "timed_out"
    assert time.monotonic() - started < 10


def test_a_name_that_leads_inside_is_not_called(post_run: Post, settings: Settings) -> None:
    """D01"""
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    call = Call(post_run, answering(200), bearer=BEARER)

    assert call.failed_for == "address_refused"
    assert call.receiver.connections == 0


def test_an_agent_whose_bearer_cannot_be_read_is_not_called_without_it(post_run: Post, settings: Settings) -> None:
    async def call() -> int:
        async with receiving(answering(200)) as receiver:
            body = body_with(url=f"http://127.0.0.1:{receiver.port}/", bearer=BEARER)
            run = await rows(load_owned, UUID((await rows(post_run, body))["runId"]), EPOCH)
            settings.SECRETS_KEY, settings.SECRET_KEY = "", "another key"
            with pytest.raises(CallbackFailed, match="bearer") as failure:
                await call_back(run, None)
            assert failure.value.details == {"reason": "bearer_unreadable"}
            return receiver.connections

    assert asyncio.run(call()) == 0


def stored() -> str:
    """Every row of every table, bytes as hexadecimal digits."""
    with connection.cursor() as cursor:
        kept = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            kept += [row for (row,) in cursor.fetchall()]
    return "\n".join(kept)


@pytest.mark.parametrize("status", [200, 500])
def test_the_bearer_is_in_no_row_answer_error_or_log(
    post_run: Post, caller: Client, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """D03: although the agent sends everything back, and everything is logged that would be."""
    caplog.set_level(logging.DEBUG)
    echo = answering(status, BEARER.encode(), f"X-Echo: Bearer {BEARER}", f"Location: http://{BEARER}.example/")
    call = Call(post_run, echo, bearer=BEARER)
    shown = [
        stored(),
        caplog.text,
        caller.get(f"/runs/{call.run_id}").content.decode(),
        caller.get(f"/runs/{call.run_id}/events").content.decode(),
    ]
    if status == 500:
        assert call.failure is not None
        shown += ["".join(traceback.format_exception(call.failure)), repr(call.failure.details)]

    assert f"Authorization: Bearer {BEARER}" in call.receiver.head, "it should have been there to be told"
    assert str(call.run_id) in shown[0]
    for secret in (BEARER, BEARER.encode().hex()):
        assert [text for text in shown if secret in text] == []
    assert_invariants()


@pytest.mark.parametrize("route", ["/runs", "/runs/validate"])
@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://2852039166/", "https://user:word@agent.example/"])
def test_a_run_with_a_hostile_callback_is_refused_with_the_path_of_its_url(
    caller: Client, route: str, url: str
) -> None:
    """D01"""
    response = caller.post(route, body_with(url=url, bearer=BEARER), content_type="application/json")

    assert response.status_code == 400
    (error,) = response.json()["details"]["errors"]
    assert error["path"] == "session.metadata.cancelCallback.url"
    assert BEARER not in response.content.decode()
    assert "word@" not in response.content.decode()
