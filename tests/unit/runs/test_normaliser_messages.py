"""Envelopes become participant.seen, message.received, at most one derived event, and extras."""

from base64 import b64decode

import orjson
import pytest

from runs.domain.events import EventType
from runs.domain.normaliser.vocabulary import TOOLS, VOCABULARY
from tests import scenarios
from tests.drafting import TRACE, a_context, only, play, types


def test_an_envelope_yields_sender_message_and_derived_event_in_this_order() -> None:
    drafts = play(scenarios.HAPPY_DECISION[3:4])

    assert types(drafts) == ["participant.seen", "message.received", "proposal.created"]
    seen, received, created = drafts
    assert (seen.subject_kind, seen.subject_id, seen.data) == (
        "participant",
        "lead",
        {"participantId": "lead", "status": "idle"},
    )
    payload = {"proposalId": "p1", "option": "ship", "rationale": "tests pass"}
    header = {
        "modeName": scenarios.DECISION,
        "messageType": "Proposal",
        "messageId": "m1",
        "sessionId": scenarios.SESSION,
        "sender": "lead",
    }
    assert received.data == {**header, "payload": payload}
    assert created.data == {
        **header,
        "decodedPayload": payload,
        "payloadTypeName": "macp.modes.decision.v1.ProposalPayload",
    }
    assert {draft.raw_type for draft in drafts} == {"Proposal"}
    assert {draft.trace_id for draft in drafts} == {TRACE}


def test_b21_a_participant_is_seen_once_and_with_what_the_request_says_of_it() -> None:
    drafts = play(scenarios.HAPPY_DECISION)

    seen = [draft.data for draft in drafts if draft.type == EventType.PARTICIPANT_SEEN]
    assert [data["participantId"] for data in seen] == ["lead", "alice", "bob"]
    assert seen[1] == {
        "participantId": "alice",
        "role": "voter",
        "transportIdentity": "spiffe://team/alice",
        "status": "idle",
    }


def test_secrets_in_what_the_request_says_of_a_participant_are_masked() -> None:
    drafts = play(scenarios.HAPPY_DECISION, a_context(patterns=["^voter$", "team/alice"]))

    [alice] = [one.data for one in drafts if one.type == EventType.PARTICIPANT_SEEN and one.subject_id == "alice"]
    assert (alice["role"], alice["transportIdentity"]) == ("[redacted]", "spiffe://[redacted]")


def test_a_participant_already_in_the_log_is_not_seen_again() -> None:
    assert "participant.seen" not in types(play(scenarios.HAPPY_DECISION, a_context(seen=["lead", "alice", "bob"])))


@pytest.mark.parametrize("name", scenarios.ALL)
def test_b21_one_message_yields_each_type_at_most_once(name: str) -> None:
    by_message: dict[int | None, list[str]] = {}
    for draft in play(scenarios.ALL[name]):
        by_message.setdefault(draft.raw_seq, []).append(draft.type)

    assert all(len(set(found)) == len(found) for found in by_message.values())


def test_an_ambient_envelope_takes_session_and_mode_from_the_run() -> None:
    received = only(play([scenarios.signal("s1", "monitor", "anomaly", {})]), "message.received")

    assert (received.data["sessionId"], received.data["modeName"]) == (scenarios.SESSION, scenarios.DECISION)


def test_an_empty_sender_is_no_participant() -> None:
    assert types(play([scenarios.envelope("m1", "", "Note")])) == ["message.received"]


def test_identifiers_hold_no_nul_and_a_message_without_id_is_named_by_its_raw_number() -> None:
    received = only(play([scenarios.envelope("", "a\0b", "No\0te")]), "message.received")

    assert (received.data["sender"], received.raw_type, received.subject_id) == ("a\ufffdb", "No\ufffdte", "raw-1")


def test_c17_a_poison_frame_is_on_record_and_the_stream_goes_on() -> None:
    drafts = play(scenarios.POISON_FRAME)

    frame = next(draft for draft in drafts if draft.raw_type == "undecodable")
    assert frame.type == EventType.MESSAGE_RECEIVED
    assert (frame.subject_kind, frame.subject_id, frame.data["sender"]) == ("message", "raw-4", "")
    assert frame.data["error"] == "wire type 7 is not known"
    assert frame.data["payload"] == {"payloadBase64": "//4AYnJva2Vu", "sizeBytes": 9}
    assert types(drafts)[-1] == "proposal.updated"
    assert "" not in [draft.data.get("participantId") for draft in drafts]


def test_a_long_frame_is_shown_by_its_beginning() -> None:
    (frame,) = play([scenarios.poison(b"x" * 5000, "env:sha256:77")])

    payload = frame.data["payload"]
    assert isinstance(payload, dict)
    assert (len(b64decode(payload["payloadBase64"])), payload["sizeBytes"]) == (1024, 5000)
    assert frame.data["messageId"] == frame.subject_id == "env:sha256:77"


@pytest.mark.parametrize(
    "trace",
    [
        {"traceId": "t1", "spanId": "s1"},
        {"trace": {"trace_id": "t1", "span_id": "s1"}},
        {"metadata": {"trace": {"traceId": "t1", "spanId": "s1"}}},
    ],
)
def test_a_payload_may_name_its_own_trace(trace: dict[str, object]) -> None:
    (draft,) = play([scenarios.unknown("m1", "", "Note", trace)])

    assert (draft.trace_id, draft.span_id) == ("t1", "s1")


def test_a_traceparent_is_read_and_a_mistyped_trace_falls_back_to_the_runs() -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    read, fallback = play(
        [
            scenarios.unknown("m1", "", "Note", {"traceparent": parent}),
            scenarios.unknown("m2", "", "Note", {"traceId": 7, "traceparent": "00-zz", "trace": []}),
        ]
    )

    assert (read.trace_id, read.span_id) == ("a" * 32, "b" * 16)
    assert fallback.trace_id == TRACE


@pytest.mark.parametrize("message_type", sorted(VOCABULARY))
def test_e16_ids_are_found_in_both_styles_and_inside_json(message_type: str) -> None:
    derived = VOCABULARY[message_type]
    for camel, snake in derived.ids:
        for value in ({camel: "x-1"}, {snake: "x-1"}, {"json": {snake: "x-1"}}):
            (draft,) = [
                draft
                for draft in play([scenarios.unknown("m1", "", message_type, value)])
                if draft.type == derived.event_type
            ]
            assert (draft.subject_kind, draft.subject_id) == (derived.subject_kind, "x-1")


@pytest.mark.parametrize("message_type", sorted(VOCABULARY))
def test_without_an_id_of_its_own_the_subject_is_the_message(message_type: str) -> None:
    (draft,) = [
        draft
        for draft in play([scenarios.unknown("m1", "", message_type, {"proposalId": ["no id"]})])
        if draft.type == VOCABULARY[message_type].event_type
    ]

    assert draft.subject_id == "m1"


@pytest.mark.parametrize("message_type", [*TOOLS, "ToolCall", "TOOLOUTPUT"])
def test_tool_messages_are_read_in_any_case(message_type: str) -> None:
    drafts = play([scenarios.unknown("m1", "", message_type, {"request_id": "r1"})])

    assert types(drafts)[1:] == [TOOLS[message_type.lower()].event_type]
    assert (drafts[1].subject_kind, drafts[1].subject_id) == ("tool", "r1")


def test_an_id_that_is_a_number_is_written_as_text() -> None:
    assert play([scenarios.unknown("m1", "", "TaskAccept", {"task_id": 7})])[1].subject_id == "7"


def test_e15_one_task_and_one_handoff_are_one_subject_each() -> None:
    tasks = {d.subject_id for d in play(scenarios.TASK_DONE) if d.subject_kind == "proposal"}
    handoffs = {d.subject_id for d in play(scenarios.HANDOFF_ACCEPTED) if d.subject_kind == "proposal"}

    assert (tasks, handoffs) == ({"t1"}, {"h1"})


@pytest.mark.parametrize("message_type", ["SessionStart", "ContextUpdate", "SessionCancel", "Whatever"])
def test_other_messages_have_no_derived_event(message_type: str) -> None:
    assert types(play([scenarios.unknown("m1", "", message_type, {})])) == ["message.received"]


def test_e14_a_signal_keeps_type_severity_and_confidence() -> None:
    emitted = only(play([scenarios.signal("s1", "monitor", "anomaly", {"severity": "odd"}, 0.5)]), "signal.emitted")

    assert (emitted.subject_kind, emitted.subject_id) == ("signal", "s1")
    assert (emitted.data["signalType"], emitted.data["severity"], emitted.data["confidence"]) == ("anomaly", "odd", 0.5)
    decoded = emitted.data["decodedPayload"]
    assert isinstance(decoded, dict)
    assert decoded["dataJson"] == {"severity": "odd"}


def test_an_empty_payload_is_an_empty_object_and_derived_events_omit_it() -> None:
    received, derived = play([scenarios.envelope("m1", "", "Vote")])

    assert received.data["payload"] == {}
    assert "decodedPayload" not in derived.data


def test_the_story_of_a_decision_reads_as_it_happened() -> None:
    assert types(play(scenarios.HAPPY_DECISION)) == [
        "session.stream.opened",
        "session.state.changed",
        "participant.seen",
        "message.received",
        "message.received",
        "proposal.created",
        "participant.seen",
        "message.received",
        "proposal.updated",
        "message.received",
        "proposal.updated",
        "participant.seen",
        "message.received",
        "proposal.updated",
        "message.received",
        "decision.finalized",
        "session.state.changed",
    ]


def test_the_same_observations_give_the_same_drafts() -> None:
    written = [[orjson.dumps(draft.data) for draft in play(story)] for story in scenarios.ALL.values()]

    assert written == [[orjson.dumps(draft.data) for draft in play(story)] for story in scenarios.ALL.values()]
