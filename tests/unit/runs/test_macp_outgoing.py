"""What we say to the runtime, as bytes."""

from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st
from macp.v1.core_pb2 import SessionStartPayload, SignalPayload
from macp.v1.envelope_pb2 import Envelope

from runs.errors import RuntimeRejected
from runs.runtimes.macp.outgoing import message_bytes, start_bytes
from runs.runtimes.offer import Root
from tests.plans import RUN_ID, SESSION_ID, a_message, a_plan


def test_a_start_carries_everything_the_request_said() -> None:
    plan = a_plan(
        intent="choose",
        policy_version="policy.majority",
        roots=(Root(uri="file:///srv", name="srv"), Root(uri="https://example.org")),
        context_id="ctx-1",
        context=b'{"a":1}',
    )

    envelope = Envelope.FromString(start_bytes(plan))
    payload = SessionStartPayload.FromString(envelope.payload)
    assert (envelope.macp_version, envelope.mode, envelope.message_type) == ("1.0", plan.mode_name, "SessionStart")
    assert (envelope.session_id, envelope.sender) == (SESSION_ID, "lead")
    assert envelope.message_id == str(uuid5(UUID(RUN_ID), "start"))
    assert payload.intent == "choose"
    assert list(payload.participants) == ["lead", "ann", "bob"]
    assert (payload.mode_version, payload.configuration_version) == ("1.0.0", "config.default")
    assert payload.policy_version == "policy.majority"
    assert payload.ttl_ms == 60_000
    assert [(root.uri, root.name) for root in payload.roots] == [("file:///srv", "srv"), ("https://example.org", "")]
    assert payload.context_id == "ctx-1"
    assert dict(payload.extensions) == {"x-signalbox.context": b'{"a":1}'}
    assert payload.max_suspend_ms == 0


def test_a_start_names_no_time_so_that_the_deadline_is_the_runtimes() -> None:
    assert Envelope.FromString(start_bytes(a_plan())).timestamp_unix_ms == 0


def test_a_context_of_a_protobuf_type_is_encoded_as_that_type() -> None:
    plan = a_plan(context=b'{"signalType":"x"}', context_type="macp.v1.SignalPayload")
    start = SessionStartPayload.FromString(Envelope.FromString(start_bytes(plan)).payload)

    assert SignalPayload.FromString(start.extensions["x-signalbox.context"]).signal_type == "x"


def test_a_context_of_a_type_that_nobody_knows_is_refused() -> None:
    with pytest.raises(RuntimeRejected, match=r"macp\.v1\.NoSuchPayload"):
        start_bytes(a_plan(context=b"{}", context_type="macp.v1.NoSuchPayload"))


def test_a_start_without_context_has_no_extension() -> None:
    payload = SessionStartPayload.FromString(Envelope.FromString(start_bytes(a_plan())).payload)

    assert dict(payload.extensions) == {}


@given(st.binary(max_size=50), st.text(max_size=20))
def test_equal_plans_give_equal_bytes(context: bytes, intent: str) -> None:
    assert start_bytes(a_plan(context=context, intent=intent)) == start_bytes(a_plan(context=context, intent=intent))


def test_a_message_is_bound_to_session_mode_and_sender() -> None:
    envelope = Envelope.FromString(message_bytes(a_plan(), a_message(1)))

    assert (envelope.session_id, envelope.mode, envelope.sender) == (SESSION_ID, "macp.mode.decision.v1", "lead")
    assert envelope.message_id == a_message(1).message_id


def test_ready_made_bytes_win_over_the_json_object() -> None:
    envelope = Envelope.FromString(message_bytes(a_plan(), a_message(1, payload_bytes=b"\x00\x01")))

    assert envelope.payload == b"\x00\x01"


def test_a_message_without_a_payload_has_an_empty_one() -> None:
    assert Envelope.FromString(message_bytes(a_plan(), a_message(1, payload=None))).payload == b""


def test_a_payload_with_an_unknown_member_is_refused() -> None:
    with pytest.raises(RuntimeRejected, match="colour"):
        message_bytes(a_plan(), a_message(1, payload={"proposalId": "p", "colour": "red"}))


def test_a_payload_whose_type_is_named_is_encoded_as_that_type() -> None:
    named = a_message(1, message_type="Whatever", payload={"signalType": "x"}, payload_type="macp.v1.SignalPayload")
    payload = SignalPayload.FromString(Envelope.FromString(message_bytes(a_plan(), named)).payload)

    assert payload.signal_type == "x"


def test_a_payload_of_a_type_that_nobody_knows_is_refused() -> None:
    with pytest.raises(RuntimeRejected, match=r"macp\.v1\.NoSuchPayload") as refused:
        message_bytes(a_plan(), a_message(1, payload_type="macp.v1.NoSuchPayload"))

    assert refused.value.runtime_code == "INVALID_PAYLOAD"


def test_a_signal_is_ambient_and_correlated_to_the_session() -> None:
    """E14: a signal is a proper protocol signal, its type and severity kept."""
    told = {"signalType": "alarm", "confidence": 0.5, "dataJson": {"severity": "high", "to": ["ann"]}}
    envelope = Envelope.FromString(message_bytes(a_plan(), a_message(1, message_type="Signal", payload=told)))
    payload = SignalPayload.FromString(envelope.payload)

    assert (envelope.session_id, envelope.mode) == ("", "")
    assert (payload.signal_type, payload.confidence) == ("alarm", 0.5)
    assert payload.correlation_session_id == SESSION_ID
    assert payload.data == b'{"severity":"high","to":["ann"]}'


def test_a_context_update_becomes_the_signal_of_that_name() -> None:
    update = a_message(1, message_type="ContextUpdate", payload={"budget": 3})
    envelope = Envelope.FromString(message_bytes(a_plan(), update))
    payload = SignalPayload.FromString(envelope.payload)

    assert (envelope.message_type, envelope.session_id) == ("Signal", "")
    assert (payload.signal_type, payload.data) == ("context.update", b'{"budget":3}')
    assert payload.correlation_session_id == SESSION_ID
