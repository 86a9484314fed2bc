"""What is made under one Idempotency-Key is made once: by many who ask at once, after a timeout, after a crash."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, connections
from django.test import Client
from pytest_django.fixtures import Settings

from runs.models import Artifact, AuditEntry, KeyedRequest, OutboundMessage, Run
from tests.invariants import assert_invariants, types_of
from tests.observing import observing, running, silent_run, wait_for
from tests.runtime_process import StandInRuntime
from tests.sample_bodies import Body

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 20
PATIENCE_SECONDS = 60
MESSAGE: Body = {"from": "lead", "to": ["alice"], "messageType": "Proposal", "payload": {"proposalId": "p"}}
SIGNAL: Body = {"from": "alice", "to": ["lead"], "messageType": "Alarm"}
CONTEXT: Body = {"from": "lead", "context": {"budget": 3}}
ARTIFACT: Body = {"kind": "json", "label": "a test", "inline": {"a": 1}}
SAID = {"messages": MESSAGE, "signal": SIGNAL, "context": CONTEXT}


@pytest.fixture
def run_id(transactional_db: None) -> Iterator[UUID]:
    """A quiet running run; whatever a test did to it, it keeps the invariants."""
    with observing():
        yield silent_run()
    assert_invariants()


def ask(caller: Client, run_id: UUID, route: str, body: Body, key: str = "once") -> Any:
    headers = {"Idempotency-Key": key}
    return caller.post(f"/runs/{run_id}/{route}", body, content_type="application/json", headers=headers)


def at_once(call: Callable[[], Any]) -> list[Any]:
    """The answers to so many equal requests at the same moment, each on a thread and a connection of its own."""
    together = Barrier(AT_ONCE)

    def one() -> Any:
        try:
            connection.ensure_connection()
            together.wait(timeout=PATIENCE_SECONDS)
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return [future.result(PATIENCE_SECONDS) for future in [threads.submit(one) for _ in range(AT_ONCE)]]


def died_before_the_answer_was_kept() -> None:
    """What is left of a request whose process was killed when it had done it, some minutes ago."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE runs_keyedrequest SET status = NULL, answer = NULL, claimed_until = now() - interval '1 ms'"
        )


@pytest.mark.parametrize(("route", "body"), SAID.items(), ids=SAID)
def test_twenty_first_requests_are_one_message_and_twenty_equal_answers(
    caller: Client, run_id: UUID, route: str, body: Body
) -> None:
    answers = at_once(lambda: ask(caller, run_id, route, body))

    assert [one.status_code for one in answers] == [201] * AT_ONCE
    assert {one.content for one in answers} == {answers[0].content}
    assert sum(one.get("Idempotency-Replayed") == "true" for one in answers) == AT_ONCE - 1
    message = OutboundMessage.objects.get(run_id=run_id)
    assert answers[0].json()["messageId"] == str(message.message_id)
    assert types_of(run_id).count("message.queued") == types_of(run_id).count("message.sent") == 1
    assert AuditEntry.objects.filter(action="message.sent").count() == 1


def test_the_same_key_is_another_one_for_another_run_and_route(caller: Client, run_id: UUID) -> None:
    other = silent_run()
    for run in (run_id, other):
        assert [ask(caller, run, route, body).status_code for route, body in SAID.items()] == [201] * 3

    assert OutboundMessage.objects.filter(run_id=run_id).count() == 3
    assert OutboundMessage.objects.filter(run_id=other).count() == 3


@pytest.mark.parametrize(("route", "body"), SAID.items(), ids=SAID)
def test_after_a_crash_a_message_is_not_said_again(caller: Client, run_id: UUID, route: str, body: Body) -> None:
    first = ask(caller, run_id, route, body)
    died_before_the_answer_was_kept()

    again = ask(caller, run_id, route, body)

    assert (again.status_code, again.content, again.get("Idempotency-Replayed")) == (201, first.content, None)
    assert OutboundMessage.objects.filter(run_id=run_id).count() == 1
    assert AuditEntry.objects.filter(action="message.sent").count() == 1


def test_after_a_crash_a_clone_and_an_artifact_are_not_made_again(caller: Client, run_id: UUID) -> None:
    bodies = {"clone": {"tags": ["copy"]}, "artifacts": ARTIFACT}
    first = {route: ask(caller, run_id, route, body).json() for route, body in bodies.items()}
    died_before_the_answer_was_kept()

    again = {route: ask(caller, run_id, route, body).json() for route, body in bodies.items()}

    assert again["clone"]["runId"] == first["clone"]["runId"]
    assert again["clone"]["sessionId"] == first["clone"]["sessionId"]
    assert again["artifacts"] == first["artifacts"]
    assert (Run.objects.count(), Artifact.objects.count()) == (2, 1)
    assert AuditEntry.objects.filter(action__in=["run.cloned", "artifact.created"]).count() == 2


def test_an_ambient_message_whose_answer_was_lost_is_not_said_again_under_its_key(
    caller: Client, settings: Settings
) -> None:
    runtime = StandInRuntime("--script", "none", "--fault=lose@1")
    settings.RUNTIME_ADDRESS = runtime.address
    settings.RUNTIME_ALLOW_INSECURE = settings.RUNTIME_DEV_SENDERS = True
    try:
        with observing():
            run_id = running(runtime={"kind": "macp"})
            lost, again = (ask(caller, run_id, "signal", SIGNAL) for _ in range(2))
            other = ask(caller, run_id, "signal", SIGNAL, key="another")
            wait_for(lambda: types_of(run_id).count("signal.emitted") == 2, "both echoes")
    finally:
        runtime.child.kill()
    assert_invariants()

    assert [one.status_code for one in (lost, again, other)] == [504, 504, 201]
    assert lost.json()["details"]["messageId"] == again.json()["details"]["messageId"]
    assert OutboundMessage.objects.filter(run_id=run_id).count() == 2


def test_a_wish_that_is_repeated_is_answered_as_it_was_and_is_none_again(caller: Client, run_id: UUID) -> None:
    for route in ("suspend", "resume", "cancel"):
        first, again = (ask(caller, run_id, route, {"reason": "enough"}) for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 201), first.content
        assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
        # It should be told what it was told then, whatever has become of the run.
        assert ask(caller, run_id, "suspend", {"reason": "enough"}).json()["status"] == "suspended"

    actions = AuditEntry.objects.filter(resource_id=str(run_id)).order_by("id").values_list("action", flat=True)
    assert [action for action in actions if action != "run.created"] == [
        "run.suspended",
        "run.resumed",
        "run.cancelled",
    ]


def test_a_batch_that_is_repeated_is_answered_as_it_was(caller: Client, run_id: UUID) -> None:
    def ask_all() -> Any:
        body, headers = {"runIds": [str(run_id)]}, {"Idempotency-Key": "once"}
        return caller.post("/runs/batch/cancel", body, content_type="application/json", headers=headers)

    first, again = ask_all(), ask_all()

    assert first.json()[0]["ok"], first.content
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")


def test_what_a_run_was_answered_goes_with_the_run(caller: Client, run_id: UUID) -> None:
    ask(caller, run_id, "messages", MESSAGE)
    ask(caller, run_id, "cancel", {"reason": "seen enough"})
    assert KeyedRequest.objects.filter(run_id=run_id).count() == 2

    assert caller.delete(f"/runs/{run_id}").status_code == 204

    assert not KeyedRequest.objects.exists()
    assert ask(caller, run_id, "messages", MESSAGE).status_code == 404
