"""Sending into a session of a real gRPC runtime that refuses, loses its answers, or is away; over HTTP, with an observer."""

from collections.abc import Callable, Iterator
from uuid import UUID

import orjson
import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from runs.models import Event, OutboundMessage, Run
from tests.bodies import Body
from tests.integration.runs.test_observe_run import body
from tests.invariants import assert_invariants, types_of
from tests.observing import observing, running, wait_for
from tests.runtime_process import StandInRuntime

pytestmark = pytest.mark.django_db(transaction=True)

PROPOSAL: Body = {
    "from": "lead",
    "to": ["alice"],
    "messageType": "Proposal",
    "payload": {"proposalId": "p", "option": "x"},
}
SIGNAL: Body = {"from": "alice", "to": ["lead"], "messageType": "Alarm", "severity": "high", "payload": {"why": "cost"}}
Start = Callable[..., StandInRuntime]


@pytest.fixture
def start(settings: Settings) -> Iterator[Start]:
    """Starts the runtime to which the settings lead, with faults; it is gone afterwards, and all runs are sound."""
    started: list[StandInRuntime] = []

    def start_one(*faults: str) -> StandInRuntime:
        runtime = StandInRuntime("--script", "none", *(f"--fault={fault}" for fault in faults))
        started.append(runtime)
        settings.RUNTIME_ADDRESS = runtime.address
        settings.RUNTIME_ALLOW_INSECURE = True
        settings.RUNTIME_DEV_SENDERS = True
        settings.RUNTIME_REQUEST_TIMEOUT_MS = 10_000
        return runtime

    yield start_one
    for runtime in started:
        runtime.child.kill()
    assert_invariants()


def macp_run(**changes: object) -> UUID:
    return running(runtime={"kind": "macp"}, **changes)


def posted(caller: Client, run_id: UUID, route: str, body: Body, status: int) -> Body:
    response = caller.post(f"/runs/{run_id}/{route}", body, content_type="application/json")
    assert response.status_code == status, response.content
    answer: Body = response.json()
    return answer


def listed(caller: Client, run_id: UUID) -> list[Body]:
    rows: list[Body] = caller.get(f"/runs/{run_id}/messages").json()
    return rows


def still_runs(run_id: UUID) -> bool:
    return Run.objects.get(id=run_id).status == "running"


def test_the_same_request_again_is_the_same_run_and_says_its_kickoff_once_t10(caller: Client, start: Start) -> None:
    start()
    note = {"from": "lead", "to": ["alice"], "kind": "request", "messageType": "Note", "payload": {"text": "begin"}}
    request = body(runtime={"kind": "macp"}, kickoff=[note])
    key = {"Idempotency-Key": "the-same"}
    with observing():
        first = caller.post("/runs", request, content_type="application/json", headers=key).json()
        run_id = UUID(first["runId"])
        wait_for(lambda: "message.sent" in types_of(run_id) and still_runs(run_id), "the kickoff")
        again = caller.post("/runs", request, content_type="application/json", headers=key).json()
        other = caller.post("/runs", body(), content_type="application/json", headers=key)
        # What follows goes through the same owner: whatever the repetition had caused would have come before it.
        posted(caller, run_id, "messages", PROPOSAL, 201)
        wait_for(lambda: "proposal.created" in types_of(run_id), "the echo")

    assert (again["runId"], again["sessionId"]) == (first["runId"], first["sessionId"])
    assert (other.status_code, other.json()["errorCode"]) == (409, "IDEMPOTENCY_KEY_REUSED")
    said = Event.objects.filter(run_id=run_id, type="message.received").order_by("seq")
    assert [event.raw_type for event in said] == ["SessionStart", "Note", "Proposal"]
    assert [row["category"] for row in listed(caller, run_id)] == ["kickoff", "message"]


def test_a_message_is_accepted_and_its_echo_is_a_message_of_its_own(caller: Client, start: Start) -> None:
    start()
    with observing():
        run_id = macp_run()
        answer = posted(caller, run_id, "messages", PROPOSAL, 201)
        wait_for(lambda: "proposal.created" in types_of(run_id), "the echo")

    [echo] = Event.objects.filter(run_id=run_id, type="proposal.created")
    data = orjson.loads(echo.data)
    assert (data["messageId"], data["sender"]) == (answer["messageId"], "lead")
    assert data["decodedPayload"] == PROPOSAL["payload"]


def test_a_refused_message_is_502_with_the_runtimes_code_and_the_run_goes_on(caller: Client, start: Start) -> None:
    start("refuse@1")
    with observing():
        run_id = macp_run()
        refused = posted(caller, run_id, "messages", PROPOSAL, 502)
        again = posted(caller, run_id, "messages", PROPOSAL, 201)

    assert refused["errorCode"] == "RUNTIME_REJECTED"
    details = refused["details"]
    assert (details["runtimeCode"], details["reasons"]) == ("INTERNAL_ERROR", ["INTERNAL_ERROR"])
    rows = listed(caller, run_id)
    assert [row["messageId"] for row in rows] == [details["messageId"], again["messageId"]]
    assert [row["status"] for row in rows] == ["rejected", "accepted"]
    assert rows[0]["ack"]["error"]["code"] == "INTERNAL_ERROR"
    assert still_runs(run_id)


def test_a_lost_answer_is_asked_for_again_under_the_same_id_and_the_message_is_said_once_c20(
    caller: Client, start: Start
) -> None:
    start("lose@1")
    with observing():
        run_id = macp_run()
        answer = posted(caller, run_id, "messages", PROPOSAL, 201)
        wait_for(lambda: "proposal.created" in types_of(run_id), "the echo")

    assert (answer["status"], answer["ack"]["duplicate"]) == ("accepted", True)
    message = OutboundMessage.objects.get(run_id=run_id)
    assert (message.status, message.attempt) == ("accepted", 2)
    types = types_of(run_id)
    assert (types.count("message.sent"), types.count("proposal.created")) == (1, 1)


@pytest.mark.parametrize(("route", "body"), [("signal", SIGNAL), ("context", {"from": "lead", "context": {"a": 1}})])
def test_an_ambient_message_whose_answer_is_lost_is_504_and_not_said_twice(
    caller: Client, start: Start, route: str, body: Body
) -> None:
    start("lose@1")
    with observing():
        run_id = macp_run()
        failed = posted(caller, run_id, route, body, 504)
        posted(caller, run_id, route, body, 201)
        wait_for(lambda: types_of(run_id).count("signal.emitted") == 2, "both echoes")

    assert failed["errorCode"] == "RUNTIME_TIMEOUT"
    rows = listed(caller, run_id)
    assert (rows[0]["messageId"], rows[0]["status"]) == (failed["details"]["messageId"], "failed")
    assert OutboundMessage.objects.get(message_id=rows[0]["messageId"]).error_code == "outcome_unknown"
    assert still_runs(run_id)


def test_a_signal_is_a_signal_of_the_protocol_tied_to_the_session_by_its_correlation_alone_e14(
    caller: Client, start: Start
) -> None:
    start()
    with observing():
        run_id = macp_run()
        answer = posted(caller, run_id, "signal", SIGNAL | {"signalType": "risk.raised", "confidence": 0.25}, 201)
        wait_for(lambda: "signal.emitted" in types_of(run_id), "the echo")

    emitted = Event.objects.get(run_id=run_id, type="signal.emitted")
    told = orjson.loads(emitted.data)["decodedPayload"]
    assert emitted.subject_id == answer["messageId"]
    assert (told["signalType"], told["confidence"]) == ("risk.raised", 0.25)
    assert told["correlationSessionId"] == Run.objects.get(id=run_id).session_id
    assert told["dataJson"] == {"severity": "high", "to": ["lead"], "why": "cost"}
    received = Event.objects.get(run_id=run_id, type="message.received", raw_type="Signal")
    assert orjson.loads(received.data)["messageId"] == answer["messageId"]


def test_a_context_update_goes_as_the_signal_that_stands_for_it_and_is_recorded_as_an_update(
    caller: Client, start: Start
) -> None:
    start()
    with observing():
        run_id = macp_run()
        posted(caller, run_id, "context", {"from": "lead", "context": {"budget": 3}}, 201)
        wait_for(lambda: "signal.emitted" in types_of(run_id), "the echo")

    told = orjson.loads(Event.objects.get(run_id=run_id, type="signal.emitted").data)["decodedPayload"]
    assert (told["signalType"], told["dataJson"]) == ("context.update", {"budget": 3})
    sent = Event.objects.get(run_id=run_id, type="message.sent")
    assert (sent.subject_kind, orjson.loads(sent.data)["messageType"]) == ("message", "ContextUpdate")


def test_only_whose_credential_we_hold_may_be_sent_as_d12(caller: Client, start: Start, settings: Settings) -> None:
    start()
    with observing():
        run_id = macp_run()
        settings.RUNTIME_DEV_SENDERS = False
        settings.RUNTIME_SENDER_TOKENS = {"lead": "lead"}
        refused = posted(caller, run_id, "signal", SIGNAL, 403)
        stranger = posted(caller, run_id, "messages", PROPOSAL | {"from": "stranger"}, 403)
        posted(caller, run_id, "messages", PROPOSAL, 201)

    assert refused["details"] == {"reason": "no_sender_credential"}
    assert stranger["details"] == {"reason": "not_a_participant"}
    assert len(listed(caller, run_id)) == 1


def test_a_runtime_that_cannot_be_reached_is_503_and_the_message_has_failed_e22(
    caller: Client, start: Start, settings: Settings
) -> None:
    runtime = start()
    settings.RUNTIME_CIRCUIT_BREAKER_THRESHOLD = 1000
    settings.KICKOFF_MAX_RETRIES = 1
    with observing():
        run_id = macp_run()
        runtime.child.kill()
        failed = posted(caller, run_id, "messages", PROPOSAL, 503)

    assert failed["errorCode"] == "RUNTIME_UNAVAILABLE"
    [row] = listed(caller, run_id)
    assert (row["messageId"], row["status"]) == (failed["details"]["messageId"], "failed")
    assert OutboundMessage.objects.get(run_id=run_id).attempt == 2
    assert still_runs(run_id)


def test_a_breaker_that_is_open_is_503_with_the_time_to_come_back_e22(
    caller: Client, start: Start, settings: Settings
) -> None:
    runtime = start()
    settings.RUNTIME_CIRCUIT_BREAKER_THRESHOLD = 1
    settings.KICKOFF_MAX_RETRIES = 0
    with observing():
        run_id = macp_run()
        runtime.child.kill()
        posted(caller, run_id, "messages", PROPOSAL, 503)  # this, or the stream that broke, has opened the breaker
        response = caller.post(f"/runs/{run_id}/signal", SIGNAL, content_type="application/json")

    assert (response.status_code, response.json()["errorCode"]) == (503, "CIRCUIT_BREAKER_OPEN")
    assert response["Retry-After"]
    assert [row["status"] for row in listed(caller, run_id)] == ["failed", "failed"]
    assert still_runs(run_id)
