"""From a request to what an adapter needs: the plan of the session and the decoded kickoff."""

import pytest

from runs.api.requests import read_execution_request
from runs.models.identity import uuid7
from runs.runtimes.plan import kickoff_of, outgoing_of, plan_of
from tests.bodies import Body, changed, full_body


@pytest.mark.parametrize(
    ("envelope", "payload", "payload_bytes", "payload_type"),
    [
        ({"encoding": "json"}, {}, None, ""),
        ({"encoding": "json", "json": {"a": 1}}, {"a": 1}, None, ""),
        ({"encoding": "text", "text": "grüße"}, None, "grüße".encode(), ""),
        ({"encoding": "base64", "base64": "AP8="}, None, b"\x00\xff", ""),
        ({"encoding": "proto", "proto": {"typeName": "a.B", "value": {"c": 1}}}, {"c": 1}, None, "a.B"),
    ],
)
def test_a_kickoff_payload_is_decoded_for_the_adapter(
    envelope: Body, payload: object, payload_bytes: bytes | None, payload_type: str
) -> None:
    body = full_body()
    del body["kickoff"][0]["payload"]
    body["kickoff"][0]["payloadEnvelope"] = envelope
    (message,) = kickoff_of(read_execution_request(body))
    outgoing = outgoing_of(message, message_id="m-1")

    assert (outgoing.payload, outgoing.payload_bytes, outgoing.payload_type) == (payload, payload_bytes, payload_type)
    assert (outgoing.sender, outgoing.recipients, message.reply_timeout_ms) == ("alice", ("bob",), 1000)


def test_the_plan_carries_what_the_session_start_needs() -> None:
    run_id = uuid7()
    plan = plan_of(run_id, "s-1", read_execution_request(full_body()))

    assert (plan.run_id, plan.session_id, plan.intent, plan.context_id) == (str(run_id), "s-1", "decide", "ctx-1")
    assert plan.context == b'{"subject":"fraud"}'
    assert [one.id for one in plan.participants] == ["alice", "bob"]
    assert plan.kickoff_count == 1


def test_a_context_envelope_wins_over_the_context() -> None:
    body = changed("session.contextEnvelope", {"encoding": "text", "text": "plain"})

    assert plan_of(uuid7(), "s", read_execution_request(body)).context == b"plain"


def test_a_context_of_a_protobuf_type_keeps_the_name_of_its_type() -> None:
    typed = {"encoding": "proto", "proto": {"typeName": "macp.v1.SignalPayload", "value": {"signalType": "x"}}}
    plan = plan_of(uuid7(), "s", read_execution_request(changed("session.contextEnvelope", typed)))

    assert (plan.context, plan.context_type) == (b'{"signalType":"x"}', "macp.v1.SignalPayload")


def without(*paths: str) -> Body:
    body = full_body()
    body["session"]["initiatorParticipantId"] = "chair"
    for path in paths:
        *way, last = path.split(".")
        at = body
        for step in way:
            at = at[step]
        del at[last]
    body["session"]["participants"][0]["transportIdentity"] = "spiffe://alice"
    return body


@pytest.mark.parametrize(
    ("removed", "initiator"),
    [
        ((), "chair"),
        (("session.initiatorParticipantId",), "alice"),
        (("session.initiatorParticipantId", "kickoff"), "me"),
        (("session.initiatorParticipantId", "kickoff", "execution"), "spiffe://alice"),
    ],
)
def test_the_initiator_follows_the_stated_order(removed: tuple[str, ...], initiator: str) -> None:
    assert read_execution_request(without(*removed)).initiator == initiator
