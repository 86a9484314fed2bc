"""Acks and inline errors settle what we sent, once."""

import pytest

from tests import scenarios
from tests.drafting import a_context, an_outbound, only, play, types


def test_an_ack_closes_the_stored_message_with_the_runtimes_own_answer() -> None:
    (sent,) = play([scenarios.ack("out-1")])

    assert (sent.type, sent.subject_kind, sent.subject_id, sent.raw_type) == (
        "message.sent",
        "message",
        "out-1",
        "send-ack",
    )
    assert sent.data == {
        "messageId": "out-1",
        "sessionId": scenarios.SESSION,
        "sender": "lead",
        "to": ["alice"],
        "messageType": "Proposal",
        "category": "message",
        "status": "accepted",
        "previousStatus": "sent",
        "payloadDescriptor": {"encoding": "json", "sizeBytes": 2, "preview": "{}"},
        "replyDeadlineAt": "2026-01-31T09:31:00.000Z",
        "ack": {
            "ok": True,
            "duplicate": False,
            "messageId": "out-1",
            "sessionId": scenarios.SESSION,
            "acceptedAtUnixMs": 1_769_851_801_000,
            "sessionState": "SESSION_STATE_OPEN",
        },
    }


def test_a_unary_runtime_takes_a_message_from_queued_to_accepted_in_one_event() -> None:
    (sent,) = play([scenarios.ack("out-1")], a_context(outbound=[an_outbound("out-1", status="queued")]))

    assert (sent.data["previousStatus"], sent.data["status"]) == ("queued", "accepted")


def test_the_subject_of_a_signal_we_sent_is_a_signal() -> None:
    (sent,) = play([scenarios.ack("out-1")], a_context(outbound=[an_outbound("out-1", category="signal")]))

    assert sent.subject_kind == "signal"


def test_there_is_never_a_second_event_for_the_same_fate() -> None:
    drafts = play([scenarios.ack("out-1"), scenarios.ack("out-1", duplicate=True, number=2)])
    drafts += play([scenarios.refused("out-2", "X", "no"), scenarios.inline_error("X", "no", "out-2")])

    assert types(drafts) == ["message.sent", "message.send_failed"]


@pytest.mark.parametrize("status", ["accepted", "rejected", "failed"])
def test_a_message_whose_fate_is_final_takes_no_ack(status: str) -> None:
    assert play([scenarios.ack("out-1")], a_context(outbound=[an_outbound("out-1", status=status)])) == []


def test_an_ack_for_an_unknown_message_says_nothing() -> None:
    assert play([scenarios.ack("somebody-elses")]) == []


def test_a_refusal_is_recorded_with_code_and_reasons() -> None:
    (failed,) = play([scenarios.refused("out-2", "INVALID_ENVELOPE", "wrong phase")])

    assert (failed.type, failed.data["status"], failed.data["previousStatus"]) == (
        "message.send_failed",
        "rejected",
        "sent",
    )
    assert (failed.data["error"], failed.data["errorCode"], failed.data["reasons"]) == (
        "wrong phase",
        "INVALID_ENVELOPE",
        ["wrong phase"],
    )
    assert failed.data["ack"] == {
        "ok": False,
        "duplicate": False,
        "messageId": "out-2",
        "sessionId": scenarios.SESSION,
        "acceptedAtUnixMs": 0,
        "sessionState": "SESSION_STATE_UNSPECIFIED",
        "error": {"code": "INVALID_ENVELOPE", "message": "wrong phase", "messageId": "out-2"},
    }


def test_a_policy_denial_is_told_with_the_runtimes_reasons() -> None:
    drafts = play(scenarios.VETO)

    denied = only(drafts, "policy.denied")
    assert types(drafts)[types(drafts).index("policy.denied") - 1] == "message.send_failed"
    assert denied.data == {
        "messageId": "out-1",
        "sender": "lead",
        "errorCode": "POLICY_DENIED",
        "reasons": ["critical objection by bob"],
        "denials": [{"code": "veto", "message": "critical objection", "participants": ["bob"]}],
    }


def test_an_inline_error_names_the_message_it_refuses() -> None:
    (failed,) = play([scenarios.inline_error("RATE_LIMITED", "slow down", "theirs")])

    assert (failed.subject_kind, failed.subject_id, failed.raw_type) == ("message", "theirs", "stream-inline-error")
    assert failed.data == {
        "messageId": "theirs",
        "sessionId": scenarios.SESSION,
        "errorCode": "RATE_LIMITED",
        "errorMessage": "slow down",
        "reasons": ["slow down"],
    }


def test_an_inline_error_about_our_own_message_settles_it() -> None:
    drafts = play([scenarios.inline_error("POLICY_DENIED", "no", "out-3"), scenarios.ack("out-3")])

    assert types(drafts) == ["message.send_failed", "policy.denied"]
    assert (drafts[0].data["status"], drafts[0].data["errorMessage"]) == ("rejected", "no")


def test_an_inline_error_that_answers_a_subscription_yields_no_message_event() -> None:
    assert play([scenarios.inline_error("FORBIDDEN", "not an observer")]) == []


def test_a_message_queued_in_the_same_batch_is_known_to_its_ack() -> None:
    context = a_context(outbound=[an_outbound("out-1", status="queued")])
    (sent,) = play([scenarios.ack("out-1")], context)
    elsewhere = a_context()
    elsewhere.learn(sent)

    assert elsewhere.outbound["out-1"] == context.outbound["out-1"]
    assert elsewhere.outbound["out-1"].status == "accepted"
