"""A request that is refused or cannot be stored dispatches nothing, whatever fails meanwhile, and may be repeated (L20)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from runs import hub
from runs.hub import over_notify
from runs.hub.transport import WORK
from runs.models import AuditEntry, Event, OutboxEntry, Run
from tests.bodies import Body, full_body

pytestmark = pytest.mark.django_db(transaction=True)

KEY = {"Idempotency-Key": "once"}


def changed(path: str, value: object) -> Body:
    """A request for the session of our own choosing with one member changed."""
    body = full_body()
    del body["execution"]["idempotencyKey"]
    at: Any = body
    *way, last = path.split(".")
    for step in way:
        at = at[step]
    at[last] = value
    return body


# What is wrong with them is found before the database is asked anything.
REFUSED: dict[str, Body] = {
    "validation": changed("session.ttlMs", -1),
    "address": changed("session.metadata.cancelCallback.url", "http://169.254.169.254/latest"),
    "runtime": changed("runtime.kind", "unheard-of"),
}


class Failing:
    """Statements of a connection, of which the `nth` fails as if the database had gone away."""

    def __init__(self, nth: int) -> None:
        self._nth = nth
        self.count = 0

    def __call__(self, execute: Callable[..., object], *statement: object) -> object:
        self.count += 1
        if self.count == self._nth:
            raise OperationalError("server closed the connection unexpectedly")
        return execute(*statement)


@contextmanager
def failing(nth: int) -> Iterator[Failing]:
    failure = Failing(nth)
    with connection.execute_wrapper(failure):
        yield failure


def post(caller: Client, body: Body) -> tuple[int, Body]:
    response = caller.post("/runs", body, content_type="application/json", headers=KEY)
    return response.status_code, response.json()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every nudge and every call to the observers that was sent."""
    sent: list[str] = []

    class Nudger:
        def add(self, topic: str) -> None:
            sent.append(topic)

    monkeypatch.setattr(hub._ends, "nudger", Nudger)
    return sent


def assert_nothing_happened(calls: list[str]) -> None:
    assert not calls
    assert {model: model.objects.count() for model in (Run, Event, OutboxEntry, AuditEntry)} == dict.fromkeys(
        (Run, Event, OutboxEntry, AuditEntry), 0
    )


def test_a_request_that_cannot_be_stored_is_503_dispatches_nothing_and_may_be_repeated_l20(
    caller: Client, calls: list[str]
) -> None:
    body, nth = changed("mode", "live"), 1
    while True:
        with failing(nth) as failure:
            status, answer = post(caller, body)
        if failure.count < nth:
            break
        assert (status, answer["errorCode"]) == (503, "SERVICE_UNAVAILABLE"), nth
        assert_nothing_happened(calls)
        nth += 1

    # It should have failed at every statement of a launch, and then have launched the run under the same key.
    assert nth > 5
    assert status == 201
    assert Run.objects.count() == 1
    assert WORK in calls
    assert post(caller, body)[1]["runId"] == answer["runId"]


def test_a_commit_that_fails_is_503_and_dispatches_nothing_l20(caller: Client, calls: list[str]) -> None:
    def refused() -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "_commit", refused)
        status, answer = post(caller, changed("mode", "live"))
    assert (status, answer["errorCode"]) == (503, "SERVICE_UNAVAILABLE")
    assert_nothing_happened(calls)
    assert post(caller, changed("mode", "live"))[0] == 201


@pytest.mark.parametrize("why", REFUSED)
def test_a_refusal_stays_one_while_the_database_fails_l20(why: str, caller: Client, calls: list[str]) -> None:
    for nth in range(1, 4):
        with failing(nth):
            status, answer = post(caller, REFUSED[why])
        assert status == 400 or (status, answer["errorCode"]) == (503, "SERVICE_UNAVAILABLE")
        assert_nothing_happened(calls)
    assert post(caller, REFUSED[why])[0] == 400
    assert_nothing_happened(calls)


def test_where_the_nudge_fails_the_run_is_stored_and_found_l20(caller: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*details: object) -> None:
        raise OperationalError("no notifications")

    monkeypatch.setattr(over_notify, "_notify", refused)
    assert post(caller, changed("mode", "live"))[0] == 201
    assert Run.objects.get().status == "queued"
