"""Policy messages, and the denial another message may carry."""

import pytest

from tests import scenarios
from tests.drafting import only, play, types


def derived(message_type: str, value: object) -> dict[str, object]:
    return play([scenarios.unknown("m1", "", message_type, value)])[1].data


def test_policies_tools_and_denials_read_as_events() -> None:
    drafts = [draft for draft in play(scenarios.TOOLS_AND_POLICY) if draft.type != "message.received"]

    assert [(draft.type, draft.subject_kind, draft.subject_id) for draft in drafts[2:]] == [
        ("participant.seen", "participant", "alice"),
        ("policy.resolved", "policy", "policy.strict"),
        ("tool.called", "tool", "tc-1"),
        ("tool.completed", "tool", "tc-1"),
        ("llm.call.completed", "message", "x3"),
        ("participant.seen", "participant", "lead"),
        ("policy.commitment.evaluated", "policy", "c1"),
        ("policy.denied", "policy", "c2"),
        ("policy.denied", "policy", "c3"),
    ]


def test_a_resolved_policy_names_itself_and_whom_it_expects() -> None:
    data = derived("PolicyResolved", {"policy_version": "v2", "expected_commitments": ["bob", 7]})

    assert (data["policyVersion"], data["expectedCommitments"]) == ("v2", ["bob"])
    assert "policyDescription" not in data


@pytest.mark.parametrize(
    ("payload", "decision"),
    [
        ({"decision": "ALLOW"}, "allow"),
        ({"decision": "approved"}, "allow"),
        ({"allowed": True}, "allow"),
        ({"decision": "deny"}, "deny"),
        ({"decision": "who knows"}, "deny"),
        ({"allowed": "true"}, "deny"),
        ({}, "deny"),
    ],
)
def test_what_is_not_clearly_allowed_counts_as_denied(payload: object, decision: str) -> None:
    assert derived("PolicyCommitmentEvaluated", payload)["decision"] == decision


def test_b21_a_denied_policy_message_yields_one_denial() -> None:
    drafts = play([scenarios.unknown("m1", "", "PolicyDenied", {"policyDenied": True, "reason": "veto", "code": "X"})])

    assert types(drafts) == ["message.received", "policy.denied"]
    assert (drafts[1].data["reasons"], drafts[1].data["errorCode"]) == (["veto"], "X")


def test_any_message_may_carry_a_denial() -> None:
    drafts = play([scenarios.unknown("m1", "bob", "Commitment", {"commitmentId": "c9", "policyDenied": True})])

    assert only(drafts, "policy.denied").data == {
        "sender": "bob",
        "messageId": "m1",
        "commitmentId": "c9",
        "reasons": [],
    }


@pytest.mark.parametrize("value", ["true", 1, None, {}])
def test_only_true_is_a_denial(value: object) -> None:
    assert "policy.denied" not in types(play([scenarios.unknown("m1", "", "Note", {"policyDenied": value})]))


def test_a_commitment_without_its_id_is_known_by_the_decision() -> None:
    (_, finalized) = play([scenarios.unknown("m1", "", "Commitment", {"decisionId": "d1"})])

    assert (finalized.subject_kind, finalized.subject_id) == ("decision", "d1")
