"""Section `decision`: proposals, contributions, votes, confidence, commitments."""

from typing import Any

import pytest

from runs.domain.events import JsonObject
from runs.domain.projection import EMPTY, fold
from tests.run_log import Log, at


def current(log: Log) -> Any:
    return fold(EMPTY, log.events).public["decision"]["current"]  # type: ignore[index]


def propose(log: Log, payload: JsonObject, proposal: str = "p1", kind: str = "Proposal") -> None:
    log.derive("proposal.created", "alice", kind, payload, ("proposal", proposal))


def commit(log: Log, payload: JsonObject, type_name: str | None = None) -> None:
    log.derive("decision.finalized", "alice", "Commitment", payload, ("decision", "c1"), type_name)


def test_nothing_is_decided_in_the_beginning() -> None:
    assert EMPTY.public["decision"] == {}


def test_a_proposal_is_what_is_being_decided() -> None:
    log = Log()
    propose(log, {"option": "ship", "rationale": "tests pass", "confidence": 0.8, "prompt": "Ship it?"})

    assert current(log) == {
        "action": "ship",
        "proposalId": "p1",
        "confidence": 0.8,
        "reasons": ["tests pass"],
        "finalized": False,
        "prompt": "Ship it?",
        "proposals": [
            {
                "participantId": "alice",
                "action": "ship",
                "confidence": 0.8,
                "reasons": ["tests pass"],
                "ts": at(1),
                "messageType": "Proposal",
            }
        ],
    }


@pytest.mark.parametrize(
    ("payload", "action"),
    [
        ({"option": "a", "title": "b", "action": "c"}, "a"),
        ({"option": "", "title": "b", "action": "c"}, "b"),
        ({"title": 7, "action": "c"}, "c"),
        ({"json": {"title": "inside"}, "encoding": "json"}, "inside"),
        ({}, "p1"),
    ],
)
def test_the_action_is_the_first_name_the_payload_gives(payload: JsonObject, action: str) -> None:
    log = Log()
    propose(log, payload)

    assert current(log)["action"] == action


@pytest.mark.parametrize(
    ("payload", "reasons"),
    [
        ({"reason": "a", "summary": "b"}, ["a"]),
        ({"summary": "b", "rationale": "c"}, ["b"]),
        ({"rationale": "c", "instructions": "d"}, ["c"]),
        ({"instructions": "d", "scope": "e"}, ["d"]),
        ({"scope": "e"}, ["e"]),
        ({"reason": ["a", "b"]}, ["a", "b"]),
        ({}, ["TaskRequest"]),
    ],
)
def test_the_reasons_of_a_proposal_come_from_the_first_member_that_gives_any(
    payload: JsonObject, reasons: list[str]
) -> None:
    log = Log()
    propose(log, payload, kind="TaskRequest")

    assert current(log)["reasons"] == reasons


def test_a_second_proposal_takes_over_and_keeps_what_it_does_not_renew() -> None:
    log = Log()
    propose(log, {"option": "a", "confidence": 0.8, "prompt": "Which?"})
    propose(log, {"option": "b"}, "p2")

    now = current(log)
    assert (now["action"], now["proposalId"], now["confidence"], now["prompt"]) == ("b", "p2", 0.8, "Which?")
    assert [contribution["action"] for contribution in now["proposals"]] == ["a", "b"]


def test_an_update_renews_confidence_and_reasons_where_it_gives_them() -> None:
    log = Log()
    propose(log, {"option": "a", "reason": "first", "confidence": 0.2})
    log.answer("bob", "Evaluation", "p1", {"recommendation": "REVIEW", "confidence": 0.6, "reason": "better"})
    assert (current(log)["confidence"], current(log)["reasons"]) == (0.6, ["better"])

    log.answer("bob", "Objection", "p1")
    now = current(log)
    assert (now["action"], now["confidence"], now["reasons"]) == ("a", 0.6, ["better"])
    assert now["proposals"][-1] == {
        "participantId": "bob", "action": "p1", "reasons": [], "ts": at(3), "messageType": "Objection",
    }  # fmt: skip


def test_an_update_moves_the_proposal_only_if_it_names_another_one() -> None:
    log = Log()
    propose(log, {"option": "a"})
    unnamed: JsonObject = {"sender": "bob", "messageType": "Contribute", "messageId": "m7", "decodedPayload": {}}
    log.write("proposal.updated", unnamed, ("proposal", "m7"))
    assert current(log)["proposalId"] == "p1"

    log.answer("bob", "Evaluation", "p2", {"confidence": 0.5})
    assert (current(log)["proposalId"], current(log)["action"]) == ("p2", "a")


@pytest.mark.parametrize(
    ("message_type", "payload", "vote"),
    [
        ("Vote", {"vote": "APPROVE"}, "allow"),
        ("Vote", {"vote": "accept"}, "allow"),
        ("Vote", {"vote": "Allow"}, "allow"),
        ("Vote", {"vote": "YES"}, "allow"),
        ("Vote", {"vote": "REJECT"}, "deny"),
        ("Vote", {"vote": "deny"}, "deny"),
        ("Evaluation", {"recommendation": "BLOCK"}, "deny"),
        ("Evaluation", {"recommendation": "no"}, "deny"),
        ("Evaluation", {"recommendation": "APPROVE"}, "allow"),
        ("Vote", {"vote": "ABSTAIN"}, None),
        ("Evaluation", {"recommendation": "REVIEW"}, None),
        ("Objection", {"reason": "x"}, None),
        ("Accept", {}, "allow"),
        ("approve", {}, "allow"),
        ("TaskAccept", {}, "allow"),
        ("HandoffAccept", {}, "allow"),
        ("REJECT", {}, "deny"),
        ("TaskReject", {}, "deny"),
        ("HandoffDecline", {}, "deny"),
        ("Abstain", {}, None),
        ("Accept", {"vote": "no"}, "deny"),
    ],
)
def test_a_vote_is_read_from_the_payload_and_else_from_the_message_type(
    message_type: str, payload: JsonObject, vote: str | None
) -> None:
    log = Log()
    log.answer("bob", message_type, "p1", payload)

    assert current(log)["proposals"][-1].get("vote") == vote


def test_votes_decide_the_confidence_over_all_proposals_of_the_run() -> None:
    log = Log()
    propose(log, {"confidence": 0.9})
    log.answer("bob", "Vote", "p1", {"vote": "YES", "confidence": 0.1})
    assert current(log)["confidence"] == 1.0

    log.answer("carol", "Vote", "p2", {"vote": "NO"})
    log.answer("dave", "Vote", "p1", {"vote": "YES"})
    assert current(log)["confidence"] == 0.6667

    propose(log, {"confidence": 0.2}, "p3")
    assert current(log)["confidence"] == 0.6667
    assert current(log)["proposals"][-1]["confidence"] == 0.2


def test_the_last_vote_of_a_participant_on_a_proposal_counts_alone() -> None:
    log = Log()
    log.answer("bob", "Evaluation", "p1", {"recommendation": "APPROVE"})
    log.answer("bob", "Vote", "p1", {"vote": "APPROVE"})
    assert current(log)["confidence"] == 1.0

    log.answer("bob", "Vote", "p1", {"vote": "REJECT"})
    log.answer("bob", "Vote", "p1", {"vote": "ABSTAIN"})
    assert current(log)["confidence"] == 0.0
    assert len(current(log)["proposals"]) == 4


def test_a_commitment_settles_the_decision() -> None:
    log = Log()
    propose(log, {"option": "ship", "confidence": 0.5, "prompt": "Ship?"})
    supersedes = {"sessionId": "s-0", "commitmentHash": "sha256:00"}
    payload = {"commitmentId": "c1", "action": "decision.selected", "reason": "all agree", "supersedes": supersedes}
    commit(log, {**payload, "outcomePositive": True})

    now = current(log)
    assert len(now.pop("proposals")) == 1
    assert now == {
        "action": "decision.selected",
        "proposalId": "p1",
        "confidence": 0.5,
        "reasons": ["all agree"],
        "finalized": True,
        "resolvedAt": at(2),
        "resolvedBy": "alice",
        "supersedes": supersedes,
        "outcomePositive": True,
        "prompt": "Ship?",
    }


def test_a_commitment_out_of_the_blue_has_defaults() -> None:
    log = Log()
    commit(log, {})

    now = current(log)
    assert (now["action"], now["reasons"], now["proposalId"]) == ("resolved", ["Commitment observed"], "c1")
    assert now["outcomePositive"] is None
    assert "confidence" not in now


def test_after_a_commitment_nothing_but_contributions_is_added() -> None:
    log = Log()
    propose(log, {"option": "ship"})
    commit(log, {"action": "done"})
    settled = {**current(log), "proposals": None}
    propose(log, {"option": "other", "confidence": 0.1}, "p2")
    log.answer("bob", "Vote", "p2", {"vote": "NO", "reason": "late"})

    assert {**current(log), "proposals": None} == settled
    assert [contribution["action"] for contribution in current(log)["proposals"]] == ["ship", "other", "p2"]


@pytest.mark.parametrize(
    ("payload", "type_name", "positive"),
    [
        ({"action": "x.rejected", "outcomePositive": True}, None, True),
        ({"action": "x.approved", "outcome_positive": False}, None, False),
        ({"action": "x.approved"}, "macp.v1.CommitmentPayload", False),
        ({"action": "x.approved"}, None, True),
        ({"action": "Accept"}, None, True),
        ({"action": "x.selected"}, None, True),
        ({"action": "task completed"}, None, True),
        ({"action": "x.rejected"}, None, False),
        ({"action": "x-declined"}, None, False),
        ({"action": "FAILED"}, None, False),
        ({"action": "approved.later"}, None, None),
        ({"action": "converged"}, None, None),
        ({"action": 5, "outcomePositive": "yes"}, None, None),
    ],
)
def test_the_sign_of_a_commitment_is_explicit_or_the_last_word_of_its_action(
    payload: JsonObject, type_name: str | None, positive: bool | None
) -> None:
    log = Log()
    commit(log, payload, type_name)

    assert current(log)["outcomePositive"] is positive


def test_very_many_votes_are_forgotten_but_not_uncounted() -> None:
    log = Log()
    for number in range(5100):
        log.answer(f"agent-{number}", "Vote", "p1", {"vote": "YES"})
    state = fold(EMPTY, log.events)

    votes: Any = state.private["votes"]
    assert (votes["allow"], len(votes["cast"]), votes["ballots"]) == (5100, 5000, [["p1", 5100, 0]])
