"""POST /runs/{id}/messages, /signal and /context: said into a session by the run's owner, answered with its fate."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import orjson
import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from runs.models import AuditEntry, Event, OutboundMessage, Project, Run
from tests.bodies import Body
from tests.integration.runs.test_observe_run import launch
from tests.invariants import assert_invariants, types_of
from tests.observing import observing, silent_run, wait_for

pytestmark = pytest.mark.django_db(transaction=True)

MESSAGE: Body = {
    "from": "lead",
    "to": ["alice"],
    "messageType": "Proposal",
    "payload": {"proposalId": "p", "option": "x"},
}
SIGNAL: Body = {"from": "alice", "to": ["lead"], "messageType": "Alarm"}
CONTEXT: Body = {"from": "lead", "context": {"budget": 3}}
ROUTES = {"messages": MESSAGE, "signal": SIGNAL, "context": CONTEXT}
ACK = {"ok", "duplicate", "messageId", "sessionId", "acceptedAtUnixMs", "sessionState"}


@pytest.fixture
def run_id(transactional_db: None) -> Iterator[UUID]:
    """A quiet running run; whatever a test did to it, it keeps the invariants."""
    with observing():
        yield silent_run()
    assert_invariants()


def posted(caller: Client, run_id: UUID | str, route: str, body: Body, status: int = 201) -> Body:
    response = caller.post(f"/runs/{run_id}/{route}", body, content_type="application/json")
    assert response.status_code == status, response.content
    answer: Body = response.json()
    return answer


def refused(caller: Client, run_id: UUID | str, route: str, status: int, code: str) -> Body:
    answer = posted(caller, run_id, route, ROUTES[route], status)
    assert answer["errorCode"] == code
    details: Body = answer.get("details", {})
    return details


def listed(caller: Client, run_id: UUID) -> list[Body]:
    rows: list[Body] = caller.get(f"/runs/{run_id}/messages").json()
    return rows


def data_of(run_id: UUID, kind: str) -> list[Body]:
    events = Event.objects.filter(run_id=run_id, type=kind).order_by("seq")
    return [orjson.loads(event.data) for event in events]


def test_a_message_is_accepted_by_the_runtimes_own_ack_and_comes_back_as_a_message_of_its_own_c20(
    caller: Client, run_id: UUID
) -> None:
    answer = posted(caller, run_id, "messages", MESSAGE)

    assert set(answer) == {"messageId", "status", "ack"}
    assert answer["status"] == "accepted"
    assert set(answer["ack"]) == ACK
    assert (answer["ack"]["ok"], answer["ack"]["messageId"]) == (True, answer["messageId"])
    wait_for(lambda: Event.objects.filter(run_id=run_id, type="proposal.created").exists(), "the echo")
    [queued], [sent] = data_of(run_id, "message.queued"), data_of(run_id, "message.sent")
    assert (queued["status"], queued["previousStatus"], queued["category"]) == ("queued", None, "message")
    assert (sent["status"], sent["previousStatus"], sent["ack"]) == ("accepted", "queued", answer["ack"])
    assert queued["messageId"] == sent["messageId"] == answer["messageId"]


def test_every_message_sent_is_listed_with_its_fate_b16(caller: Client, run_id: UUID) -> None:
    ids = [posted(caller, run_id, route, ROUTES[route])["messageId"] for route in ROUTES]
    question = {"from": "lead", "to": ["bob"], "messageType": "Question", "replyTimeoutMs": 60_000}
    ids.append(posted(caller, run_id, "messages", question)["messageId"])

    rows = listed(caller, run_id)
    assert [row["messageId"] for row in rows] == ids
    assert [row["category"] for row in rows] == ["message", "signal", "context_update", "message"]
    assert [row["messageType"] for row in rows] == ["Proposal", "Alarm", "ContextUpdate", "Question"]
    assert {row["status"] for row in rows} == {"accepted"}
    assert all(row["ack"]["ok"] and row["sentAt"] and row["acceptedAt"] for row in rows)
    assert [row["replyStatus"] for row in rows] == [None, None, None, "pending"]
    descriptor = rows[0]["payloadDescriptor"]
    assert (descriptor["encoding"], descriptor["preview"]) == ("json", '{"proposalId":"p","option":"x"}')


def test_the_bytes_of_a_message_are_gone_once_it_has_its_fate(caller: Client, run_id: UUID) -> None:
    posted(caller, run_id, "messages", MESSAGE)

    assert OutboundMessage.objects.get(run_id=run_id).body is None


def test_a_message_that_owes_a_reply_says_until_when_and_the_reply_answers_it(caller: Client, run_id: UUID) -> None:
    answer = posted(caller, run_id, "messages", MESSAGE | {"replyTimeoutMs": 60_000})
    assert answer["replyDeadlineAt"] == listed(caller, run_id)[0]["replyDeadlineAt"]

    reply = posted(caller, run_id, "messages", {"from": "alice", "messageType": "Note", "payload": {"yes": True}})

    wait_for(lambda: bool(data_of(run_id, "message.answered")), "the answer")
    [answered] = data_of(run_id, "message.answered")
    assert (answered["messageId"], answered["replyMessageId"]) == (answer["messageId"], reply["messageId"])
    assert listed(caller, run_id)[0]["replyStatus"] == "answered"


def test_a_signal_keeps_type_severity_and_addressees_and_is_tied_to_the_session_e14(
    caller: Client, run_id: UUID
) -> None:
    body = SIGNAL | {"signalType": "risk.raised", "severity": "high", "confidence": 0.5, "payload": {"why": "cost"}}
    answer = posted(caller, run_id, "signal", body)

    assert set(answer) == {"messageId", "ack"}
    sent = Event.objects.get(run_id=run_id, type="message.sent")
    assert (sent.subject_kind, sent.subject_id) == ("signal", answer["messageId"])
    wait_for(lambda: bool(data_of(run_id, "signal.emitted")), "the echo")
    [emitted] = data_of(run_id, "signal.emitted")
    told = emitted["decodedPayload"]
    assert (told["signalType"], told["confidence"]) == ("risk.raised", 0.5)
    assert told["correlationSessionId"] == Run.objects.get(id=run_id).session_id
    assert told["dataJson"] == {"why": "cost", "severity": "high", "to": ["lead"]}
    [shown] = caller.get(f"/runs/{run_id}/state").json()["signals"]["signals"]
    assert (shown["name"], shown["severity"]) == ("risk.raised", "high")


def test_a_signal_without_a_type_is_called_like_its_message(caller: Client, run_id: UUID) -> None:
    posted(caller, run_id, "signal", SIGNAL)

    wait_for(lambda: bool(data_of(run_id, "signal.emitted")), "the echo")
    assert data_of(run_id, "signal.emitted")[0]["decodedPayload"]["signalType"] == "Alarm"


def test_a_context_update_is_recorded_as_one(caller: Client, run_id: UUID) -> None:
    answer = posted(caller, run_id, "context", CONTEXT)

    assert set(answer) == {"messageId", "ack"}
    sent = Event.objects.get(run_id=run_id, type="message.sent")
    assert (sent.subject_kind, sent.subject_id) == ("message", answer["messageId"])
    data = orjson.loads(sent.data)
    assert (data["messageType"], data["category"]) == ("ContextUpdate", "context_update")


def test_every_call_leaves_an_audit_entry_that_holds_no_payload(caller: Client, run_id: UUID) -> None:
    ids = [posted(caller, run_id, route, ROUTES[route])["messageId"] for route in ROUTES]

    entries = AuditEntry.objects.filter(action="message.sent").order_by("created_at")
    assert [entry.details["messageId"] for entry in entries] == ids
    assert {(entry.actor, entry.resource, entry.resource_id) for entry in entries} == {("tester", "run", str(run_id))}
    assert all(entry.request_id for entry in entries)
    assert all(set(entry.details) == {"messageId", "category"} for entry in entries)


@pytest.mark.parametrize("route", ROUTES)
def test_a_sender_who_has_no_seat_in_the_run_is_refused_d12(caller: Client, run_id: UUID, route: str) -> None:
    answer = posted(caller, run_id, route, ROUTES[route] | {"from": "stranger"}, 403)

    assert (answer["errorCode"], answer["details"]) == ("FORBIDDEN", {"reason": "not_a_participant"})
    assert listed(caller, run_id) == []
    assert not AuditEntry.objects.filter(action="message.sent").exists()


@pytest.mark.parametrize("route", ROUTES)
def test_a_run_that_does_not_run_takes_nothing(caller: Client, transactional_db: None, route: str) -> None:
    run_id = launch()

    details = refused(caller, run_id, route, 409, "INVALID_STATE_TRANSITION")
    assert details == {"from": "queued"}
    with observing():
        wait_for(lambda: Run.objects.get(id=run_id).has_ended, "the ending")
    details = refused(caller, run_id, route, 409, "INVALID_STATE_TRANSITION")
    assert details == {"from": "completed"}
    assert listed(caller, run_id) == []
    assert_invariants()


@pytest.mark.parametrize("route", ROUTES)
def test_an_unknown_run_is_404_and_an_ill_formed_id_400(caller: Client, transactional_db: None, route: str) -> None:
    refused(caller, uuid4(), route, 404, "RUN_NOT_FOUND")
    refused(caller, "no-uuid", route, 400, "VALIDATION_ERROR")


@pytest.mark.parametrize("route", ROUTES)
def test_a_run_of_another_project_is_404(caller: Client, transactional_db: None, route: str) -> None:
    run_id = launch()
    other = Project.objects.create(name="other", slug="other")
    Run.objects.filter(id=run_id).update(project=other)

    refused(caller, run_id, route, 404, "RUN_NOT_FOUND")


@pytest.mark.parametrize("route", ROUTES)
def test_a_deployment_that_only_observes_sends_nothing(
    caller: Client, transactional_db: None, settings: Settings, route: str
) -> None:
    settings.SIGNALBOX_OBSERVER_ONLY = True
    run_id = launch()

    refused(caller, run_id, route, 410, "ENDPOINT_REMOVED")
    refused(caller, uuid4(), route, 410, "ENDPOINT_REMOVED")
    assert refused(caller, "no-uuid", route, 400, "VALIDATION_ERROR")["errors"][0]["path"] == "id"
    assert listed(caller, run_id) == []


@pytest.mark.parametrize("route", ROUTES)
def test_a_caller_without_a_key_or_with_a_broken_body_gets_no_further(
    caller: Client, transactional_db: None, route: str
) -> None:
    address = f"/runs/{launch()}/{route}"

    assert Client().post(address, ROUTES[route], content_type="application/json").status_code == 401
    assert caller.post(address, "{", content_type="application/json").json()["errorCode"] == "MALFORMED_JSON"
    assert caller.post(address, {}, content_type="application/json").json()["details"]["errors"]
    assert types_of(UUID(address.split("/")[2])) == ["run.created"]


def test_a_payload_that_is_not_what_its_type_is_made_of_is_refused_before_anything_is_stored(
    caller: Client, transactional_db: None
) -> None:
    run_id = launch(runtime={"kind": "macp"})

    answer = posted(caller, run_id, "messages", MESSAGE | {"payload": {"colour": "red"}}, 400)
    assert [fault["path"] for fault in answer["details"]["errors"]] == ["payload"]
    proto = {"encoding": "proto", "proto": {"typeName": "macp.v1.NoSuchPayload", "value": {}}}
    message = {"from": "lead", "messageType": "Proposal", "payloadEnvelope": proto}
    answer = posted(caller, run_id, "messages", message, 400)
    assert [fault["path"] for fault in answer["details"]["errors"]] == ["payloadEnvelope.proto"]
    assert "NoSuchPayload" in answer["message"]
    assert types_of(run_id) == ["run.created"]
    assert listed(caller, run_id) == []


def test_what_many_callers_say_at_once_is_said_in_order_per_sender_and_none_of_it_is_lost(
    caller: Client, run_id: UUID
) -> None:
    each, senders = 8, ("lead", "alice", "bob")

    def post_some(sender: str) -> list[int]:
        address, note = f"/runs/{run_id}/messages", {"from": sender, "messageType": "Note"}
        statuses = [caller.post(address, note, content_type="application/json").status_code for _ in range(each)]
        connection.close()
        return statuses

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(post_some, senders * 2))
    assert answers == [[201] * each] * 6
    count = 6 * each
    notes = Event.objects.filter(run_id=run_id, type="message.received", raw_type="Note").order_by("seq")
    wait_for(lambda: notes.count() == count, "every echo")

    stored = OutboundMessage.objects.filter(run_id=run_id).order_by("position").values_list("sender", "message_id")
    echoes = [orjson.loads(event.data) for event in notes]
    for sender in senders:
        wanted = [str(message_id) for one, message_id in stored if one == sender]
        assert [data["messageId"] for data in echoes if data["sender"] == sender] == wanted
    # It should all be in the committed state, from which the next owner plays.
    state = orjson.loads(bytes(Run.objects.get(id=run_id).session.adapter_state or b""))
    assert {one["message"]["message_id"] for one in state["sent"]} == {data["messageId"] for data in echoes}
