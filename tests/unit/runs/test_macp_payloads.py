"""Payloads between bytes and JSON: the hand-made walk agrees with protobuf's own mapping wherever the two should."""

import base64
import contextlib
import json
import math
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from macp.modes.multi_round.v1.multi_round_pb2 import ContributePayload
from macp.v1.core_pb2 import SessionMetadata, SignalPayload
from macp.v1.envelope_pb2 import Ack

from runs.errors import RuntimeRejected
from runs.runtimes.macp.payload_types import CORE_TYPES, MODE_TYPES, payload_type
from runs.runtimes.macp.payloads import READERS, _reader, decode_payload, encode_payload

DECISION = "macp.mode.decision.v1"
TYPES = sorted({*CORE_TYPES.values(), *MODE_TYPES.values()}, key=lambda known: known.DESCRIPTOR.full_name)
EXACT = 2**53


def _scalar(field: Any) -> st.SearchStrategy[Any]:
    if field.cpp_type == 10:
        return _message(field.message_type._concrete_class)
    if field.type == 12:
        return st.binary(max_size=20)
    if field.type == 9:
        return st.text(max_size=20)
    if field.type == 8:
        return st.booleans()
    if field.cpp_type in (5, 6):
        # -0.0 is no default to protobuf, but nothing a reader of JSON could tell apart from one.
        return st.floats(allow_nan=False).filter(lambda number: math.copysign(1, number) > 0 or number != 0)
    if field.cpp_type in (3, 4):
        return st.integers(0, 2**31 - 1)
    return st.integers(-(2**63), 2**63 - 1)


def _message(known: Any) -> st.SearchStrategy[Any]:
    values: dict[str, st.SearchStrategy[Any]] = {}
    for field in known.DESCRIPTOR.fields:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            keys, entries = st.text(max_size=5), _scalar(field.message_type.fields_by_name["value"])
            values[field.name] = st.dictionaries(keys, entries, max_size=3)
        elif field.is_repeated:
            values[field.name] = st.lists(_scalar(field), max_size=3)
        else:
            values[field.name] = _scalar(field)
    return st.fixed_dictionaries({}, optional=values).map(lambda chosen: known(**chosen))


def _by_the_library(message: Any) -> Any:
    """MessageToDict, with integers as our rules want them: numbers, unless a double would round them."""

    def walk(descriptor: Any, told: dict[str, Any]) -> dict[str, Any]:
        for field in descriptor.fields:
            if field.json_name in told and field.cpp_type in (2, 4):
                number = int(told[field.json_name])
                told[field.json_name] = number if abs(number) <= EXACT else str(number)
            elif field.json_name in told and field.cpp_type == 10 and not field.message_type.GetOptions().map_entry:
                inner = told[field.json_name]
                for one in inner if field.is_repeated else [inner]:
                    walk(field.message_type, one)
        return told

    return walk(message.DESCRIPTOR, MessageToDict(message))


@given(st.data())
def test_reading_a_payload_agrees_with_protobufs_own_json_mapping(data: st.DataObject) -> None:
    message = data.draw(st.sampled_from(TYPES).flatmap(_message))

    assert READERS[type(message)](message) == _by_the_library(message)


@given(st.data())
def test_what_was_read_can_be_written_again(data: st.DataObject) -> None:
    (mode, message_type), known = data.draw(st.sampled_from(sorted(MODE_TYPES.items(), key=str)))
    message = data.draw(_message(known))
    wire = message.SerializeToString(deterministic=True)

    decoded, type_name = decode_payload(mode, message_type, wire)

    assert decoded is not None
    assert type_name == known.DESCRIPTOR.full_name
    assert encode_payload(mode, message_type, decoded) == wire


def test_the_known_types_are_those_of_the_catalogue() -> None:
    known = {mode: {t for m, t in MODE_TYPES if m == mode} for mode in {m for m, _ in MODE_TYPES}}

    assert known == {
        "macp.mode.decision.v1": {"Proposal", "Evaluation", "Objection", "Vote"},
        "macp.mode.proposal.v1": {"Proposal", "CounterProposal", "Accept", "Reject", "Withdraw"},
        "macp.mode.task.v1": {"TaskRequest", "TaskAccept", "TaskReject", "TaskUpdate", "TaskComplete", "TaskFail"},
        "macp.mode.handoff.v1": {"HandoffOffer", "HandoffContext", "HandoffAccept", "HandoffDecline"},
        "macp.mode.quorum.v1": {"ApprovalRequest", "Approve", "Reject", "Abstain"},
        "ext.multi_round.v1": {"Contribute"},
    }
    assert set(CORE_TYPES) == {"SessionStart", "Commitment", "Signal", "Progress"}


def test_an_unknown_mode_still_has_the_types_of_the_core() -> None:
    assert payload_type("mode.of.somebody.else", "Commitment") is CORE_TYPES["Commitment"]
    assert payload_type("mode.of.somebody.else", "Proposal") is None


def test_the_same_message_type_is_another_type_in_another_mode() -> None:
    _, decision = decode_payload(DECISION, "Proposal", b"")
    _, proposal = decode_payload("macp.mode.proposal.v1", "Proposal", b"")

    assert decision == "macp.modes.decision.v1.ProposalPayload"
    assert proposal == "macp.modes.proposal.v1.ProposalPayload"


@pytest.mark.parametrize(
    ("number", "shown"), [(EXACT, EXACT), (-EXACT, -EXACT), (EXACT + 1, str(EXACT + 1)), (-EXACT - 1, str(-EXACT - 1))]
)
def test_an_integer_that_a_double_would_round_is_text(number: int, shown: object) -> None:
    payload = encode_payload("", "SessionStart", {"ttlMs": str(number)})

    assert decode_payload("", "SessionStart", payload)[0] == {"ttlMs": shown}


def test_numbers_json_has_no_word_for_are_text() -> None:
    for number, shown in ((math.inf, "Infinity"), (-math.inf, "-Infinity"), (math.nan, "NaN")):
        payload = SignalPayload(confidence=number).SerializeToString()
        assert decode_payload("", "Signal", payload)[0] == {"confidence": shown}


def test_enums_are_their_names_and_numbers_without_a_name_stay() -> None:
    read = _reader(Ack.DESCRIPTOR)

    assert read(Ack(session_state=4)) == {"sessionState": "SESSION_STATE_SUSPENDED"}
    assert read(Ack(session_state=77)) == {"sessionState": 77}


def test_nested_and_repeated_messages_are_read() -> None:
    metadata = SessionMetadata(session_id="s", participants=["a", "b"])
    metadata.participant_activity.add(participant_id="a", message_count=3)

    assert _reader(SessionMetadata.DESCRIPTOR)(metadata) == {
        "sessionId": "s",
        "participants": ["a", "b"],
        "participantActivity": [{"participantId": "a", "messageCount": 3}],
    }


@given(st.sampled_from([*MODE_TYPES, ("", "Signal"), ("", "Progress"), ("", "Nonsense")]), st.binary(max_size=60))
def test_no_bytes_make_reading_fail(kind: tuple[str, str], payload: bytes) -> None:
    decoded, type_name = decode_payload(*kind, payload)

    assert (decoded is None) == (type_name is None)


def test_a_payload_that_is_not_of_its_type_is_unknown() -> None:
    assert decode_payload(DECISION, "Vote", b'{"vote": "APPROVE"}') == (None, None)
    assert decode_payload(DECISION, "Vote", b"\x0a\x02\xff\xfe") == (None, None)  # no UTF-8


def test_the_data_of_a_signal_that_is_json_is_also_given_parsed() -> None:
    data = json.dumps({"severity": "high", "to": ["a"]}).encode()
    decoded, _ = decode_payload("", "Signal", SignalPayload(signal_type="alarm", data=data).SerializeToString())

    assert decoded == {
        "signalType": "alarm",
        "data": base64.b64encode(data).decode(),
        "dataJson": {"severity": "high", "to": ["a"]},
    }
    assert "dataJson" not in (decode_payload("", "Signal", SignalPayload(data=b"\x00").SerializeToString())[0] or {})


def test_a_contribution_may_be_protobuf_or_json() -> None:
    mode, name = "ext.multi_round.v1", "macp.modes.multi_round.v1.ContributePayload"
    looks_like_json = '{"value": "0123456789012345678"}'  # with its length in front even the bytes do

    assert decode_payload(mode, "Contribute", b'{"value": "x"}') == ({"value": "x"}, name)
    for value in ("x", looks_like_json):
        payload = ContributePayload(value=value).SerializeToString()
        assert decode_payload(mode, "Contribute", payload) == ({"value": value}, name)
    assert decode_payload(mode, "Contribute", b'{"other": 1}') == (None, None)
    assert decode_payload(mode, "Contribute", b'{"value": ') == (None, None)


def test_both_naming_styles_are_written() -> None:
    camel = encode_payload(DECISION, "Vote", {"proposalId": "p1", "vote": "APPROVE"})

    assert camel == encode_payload(DECISION, "Vote", {"proposal_id": "p1", "vote": "APPROVE"})
    assert decode_payload(DECISION, "Vote", camel)[0] == {"proposalId": "p1", "vote": "APPROVE"}


def test_bytes_are_written_from_base64_text() -> None:
    payload = encode_payload(DECISION, "Proposal", {"proposalId": "p1", "supportingData": "AAEC"})

    assert decode_payload(DECISION, "Proposal", payload)[0] == {"proposalId": "p1", "supportingData": "AAEC"}


@pytest.mark.parametrize("payload", [{"vote": 7}, {"colour": "red"}, {"proposalId": ["p1"]}, {"vote": {"a": 1}}])
def test_a_payload_that_does_not_fit_is_refused_and_the_member_named(payload: dict[str, object]) -> None:
    with pytest.raises(RuntimeRejected) as refused:
        encode_payload(DECISION, "Vote", payload)

    assert refused.value.runtime_code == "INVALID_PAYLOAD"
    assert next(iter(payload)) in refused.value.message
    assert refused.value.message.isprintable()  # on one line


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from([*MODE_TYPES, (DECISION, "Note")]), st.data())
def test_no_json_object_makes_writing_fail_in_another_way(kind: tuple[str, str], data: st.DataObject) -> None:
    known = MODE_TYPES.get(kind, MODE_TYPES[DECISION, "Vote"])
    names = st.sampled_from([field.name for field in known.DESCRIPTOR.fields]) | st.text(max_size=5)
    payload = data.draw(st.dictionaries(names, values, max_size=3))

    with contextlib.suppress(RuntimeRejected):
        encode_payload(*kind, payload)


@given(st.dictionaries(st.text(max_size=5), st.integers(-5, 5), max_size=4))
def test_a_type_nobody_knows_is_written_as_json_in_one_order(payload: dict[str, object]) -> None:
    written = encode_payload(DECISION, "Note", payload)

    assert json.loads(written) == payload
    assert written == encode_payload(DECISION, "Note", dict(reversed(payload.items())))
