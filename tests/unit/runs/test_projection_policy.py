"""Section `policy`."""

from typing import Any

import pytest

from runs.domain.events import JsonObject
from runs.domain.projection import EMPTY, fold
from tests.run_log import Log, at


def policy(log: Log) -> Any:
    return fold(EMPTY, log.events).public["policy"]


def commit(log: Log, payload: JsonObject) -> None:
    log.derive("decision.finalized", "alice", "Commitment", payload, ("decision", "c1"))


def test_binding_names_the_policy_and_expects_everybody() -> None:
    log = Log()
    log.bind(("alice", "bob"), policyVersion="")

    assert policy(log) == {
        "policyVersion": "policy.default",
        "commitmentEvaluations": [],
        "expectedCommitments": ["alice", "bob"],
        "quorumStatus": "pending",
    }


def test_only_voters_are_expected_where_there_are_any() -> None:
    log = Log()
    log.see("alice", "proposer")
    log.see("bob", "voter")
    log.bind(policyVersion="p.v2")

    assert policy(log)["expectedCommitments"] == ["bob"]
    assert policy(log)["policyVersion"] == "p.v2"


def test_voters_that_become_known_after_the_binding_are_expected_instead_of_everybody() -> None:
    log = Log()
    log.bind()
    for name, role in (("alice", "proposer"), ("bob", "voter"), ("carol", "voter"), ("bob", "voter"), ("dave", None)):
        log.see(name, role)

    assert policy(log)["expectedCommitments"] == ["bob", "carol"]


def test_a_resolved_policy_is_described_and_its_expectations_stand() -> None:
    log = Log()
    log.bind()
    resolved: JsonObject = {"policyVersion": "p.v3", "policyDescription": "Two of three", "expectedCommitments": ["x"]}
    log.write("policy.resolved", resolved, ("policy", "p.v3"))
    log.see("bob", "voter")

    now = policy(log)
    assert (now["policyVersion"], now["policyDescription"], now["resolvedAt"]) == ("p.v3", "Two of three", at(4))
    assert now["expectedCommitments"] == ["x"]

    log.write("policy.resolved", {"policyVersion": "p.v4"}, ("policy", "p.v4"))
    assert policy(log)["expectedCommitments"] == ["x"]


def test_the_members_of_a_policy_event_are_also_found_in_its_decoded_payload() -> None:
    log = Log()
    payload = {"json": {"decision": "deny", "commitmentId": "c9", "reasons": ["no"]}, "encoding": "json"}
    log.write("policy.commitment.evaluated", {"decodedPayload": payload}, ("policy", "c9"))

    assert policy(log)["commitmentEvaluations"] == [
        {"commitmentId": "c9", "decision": "deny", "reasons": ["no"], "ts": at(1)}
    ]


def test_an_allowing_evaluation_reaches_the_quorum_and_a_denial_does_not() -> None:
    log = Log()
    log.bind()
    log.write("policy.denied", {"commitmentId": "c1", "reasons": ["veto"]}, ("policy", "c1"))
    log.write("policy.denied", {"reasons": "veto"}, ("policy", "m-4"))
    log.write("policy.commitment.evaluated", {"commitmentId": "c1", "decision": "deny", "reasons": []})
    log.write("policy.commitment.evaluated", {"commitmentId": "c1", "decision": "maybe", "reasons": []})
    assert policy(log)["quorumStatus"] == "pending"

    log.write("policy.commitment.evaluated", {"commitmentId": "c1", "decision": "allow", "reasons": ["ok"]})
    assert policy(log)["quorumStatus"] == "reached"
    assert policy(log)["commitmentEvaluations"] == [
        {"commitmentId": "c1", "decision": "deny", "reasons": ["veto"], "ts": at(4)},
        {"commitmentId": "m-4", "decision": "deny", "reasons": ["veto"], "ts": at(5)},
        {"commitmentId": "c1", "decision": "deny", "reasons": [], "ts": at(6)},
        {"commitmentId": "c1", "decision": "allow", "reasons": ["ok"], "ts": at(8)},
    ]


def test_votes_are_tallied_per_proposal_against_the_expected_participants() -> None:
    log = Log()
    log.bind(("alice", "bob", "carol"))
    log.answer("alice", "Vote", "p1", {"vote": "YES"})
    log.answer("bob", "Vote", "p1", {"vote": "NO"})
    log.answer("bob", "Vote", "p1", {"vote": "YES"})
    log.answer("carol", "Vote", "p1", {"vote": "ABSTAIN"})
    log.answer("carol", "Reject", "p2")

    assert policy(log)["voteTally"] == [
        {"commitmentId": "p1", "allow": 2, "deny": 0, "threshold": 2, "quorum": {"required": 3, "cast": 2}},
        {"commitmentId": "p2", "allow": 0, "deny": 1, "threshold": 2, "quorum": {"required": 3, "cast": 1}},
    ]
    assert policy(log)["quorumStatus"] == "pending"


def test_there_is_no_tally_before_the_first_vote() -> None:
    log = Log()
    log.bind()
    log.answer("alice", "Objection", "p1")

    assert "voteTally" not in policy(log)


def test_an_old_tally_that_went_comes_back_with_all_its_votes() -> None:
    log = Log()
    for number in range(51):
        log.answer("alice", "Vote", f"p{number}", {"vote": "YES"})
    assert "p0" not in [tally["commitmentId"] for tally in policy(log)["voteTally"]]

    log.answer("bob", "Vote", "p0", {"vote": "NO"})
    assert policy(log)["voteTally"][-1]["quorum"]["cast"] == 2


@pytest.mark.parametrize(
    ("payload", "positive", "quorum"),
    [
        ({"outcomePositive": True}, True, "reached"),
        ({"outcomePositive": False}, False, "failed"),
        ({}, None, "reached"),
    ],
)
def test_a_commitment_decides_the_quorum(payload: JsonObject, positive: bool | None, quorum: str) -> None:
    log = Log()
    log.bind()
    commit(log, payload)

    assert policy(log).get("outcomePositive") is positive
    assert policy(log)["quorumStatus"] == quorum


@pytest.mark.parametrize(
    ("ending", "decided", "quorum"),
    [
        ("failed", False, "failed"),
        ("cancelled", False, "failed"),
        ("completed", False, "pending"),
        ("failed", True, "reached"),
    ],
)
def test_a_run_that_breaks_off_fails_a_quorum_that_was_not_reached(ending: str, decided: bool, quorum: str) -> None:
    log = Log()
    log.bind()
    if decided:
        commit(log, {"outcomePositive": True})
    log.end(ending)

    assert policy(log)["quorumStatus"] == quorum
