"""Section `graph`: edges and lifecycle nodes."""

from typing import Any

import pytest

from runs.domain.projection import EMPTY, fold
from tests.run_log import Log, at

Edge = tuple[str, str, str]


def graph(log: Log) -> Any:
    return fold(EMPTY, log.events).public["graph"]


def edges(log: Log) -> list[Edge]:
    return [(edge["from"], edge["to"], edge["kind"]) for edge in graph(log)["edges"]]


def stages(log: Log) -> dict[str, str]:
    return {node["id"]: node["status"] for node in graph(log)["nodes"] if node["kind"] != "participant"}


def test_binding_draws_the_start_and_the_fan_of_the_initiator() -> None:
    log = Log()
    log.bind(("alice", "bob", "carol"))

    assert graph(log)["nodes"] == [{"id": "__start", "kind": "start", "status": "active"}]
    assert edges(log) == [
        ("__start", "alice", "session.bound"),
        ("alice", "bob", "fanout"),
        ("alice", "carol", "fanout"),
    ]


def test_a_repeated_edge_moves_its_time_and_its_place_to_the_end() -> None:
    log = Log()
    log.hear("alice", "TaskRequest", {"requestedAssignee": "bob"})
    log.hear("bob", "HandoffOffer", {"json": {"target_participant": "carol"}, "encoding": "json"})
    log.hear("alice", "TaskRequest", {"requestedAssignee": "bob"})

    assert graph(log)["edges"] == [
        {"from": "bob", "to": "carol", "kind": "HandoffOffer", "ts": at(2)},
        {"from": "alice", "to": "bob", "kind": "TaskRequest", "ts": at(3)},
    ]


def test_an_accepted_message_draws_an_edge_to_each_recipient_in_both_kinds() -> None:
    log = Log()
    log.send("queued", None, "m1", to=["bob", "carol"])
    log.send("sent", "queued", "m1", to=["bob", "carol"])
    assert edges(log) == []

    log.send("accepted", "sent", "m1", to=["bob", "carol"])
    assert edges(log) == [
        ("alice", "bob", "message.sent"),
        ("alice", "bob", "Note"),
        ("alice", "carol", "message.sent"),
        ("alice", "carol", "Note"),
    ]


def test_the_echo_of_a_sent_message_finds_its_recipients_once() -> None:
    log = Log()
    log.send("accepted", None, "m1", to=["bob"])
    log.hear("alice", "Note", {}, "m1")
    assert graph(log)["edges"][-1] == {"from": "alice", "to": "bob", "kind": "Note", "ts": at(2)}

    log.hear("alice", "Note", {}, "m1")
    assert graph(log)["edges"][-1]["ts"] == at(2)
    assert fold(EMPTY, log.events).private["graph"] == {"recipients": []}


def test_an_echo_that_comes_before_its_ack_finds_the_recipients_too() -> None:
    log = Log()
    log.send("queued", None, "m1", to=["bob"])
    log.hear("alice", "Note", {}, "m1")

    assert edges(log) == [("alice", "bob", "Note")]


def test_a_message_that_failed_has_no_echo_to_wait_for() -> None:
    log = Log()
    log.send("queued", None, "m1")
    log.send("failed", "queued", "m1")

    assert fold(EMPTY, log.events).private["graph"] == {"recipients": []}


def test_a_received_message_without_known_recipients_draws_nothing() -> None:
    log = Log()
    log.hear("alice", "Note", {"to": "bob"})

    assert edges(log) == []


def test_a_proposal_goes_from_its_sender_to_every_other_participant() -> None:
    log = Log()
    for name in ("alice", "bob", "carol"):
        log.see(name)
    log.derive("proposal.created", "bob", "Proposal", {}, ("proposal", "p1"))

    assert edges(log) == [
        ("bob", "__proposal", "proposes"),
        ("__proposal", "alice", "review"),
        ("__proposal", "carol", "review"),
    ]


def test_a_proposal_to_very_many_leaves_the_newest_edges() -> None:
    log = Log()
    for number in range(400):
        log.see(f"agent-{number}")
    log.derive("proposal.created", "agent-399", "Proposal", {}, ("proposal", "p1"))

    assert edges(log) == [("__proposal", f"agent-{number}", "review") for number in range(99, 399)]


@pytest.mark.parametrize(
    ("message_type", "kind"),
    [
        ("Vote", "vote"), ("Accept", "vote"), ("Reject", "vote"), ("Approve", "vote"), ("Abstain", "vote"),
        ("TaskAccept", "vote"), ("TaskReject", "vote"), ("HandoffAccept", "vote"), ("HandoffDecline", "vote"),
        ("Evaluation", "evaluation"), ("Objection", "objection"),
    ],
)  # fmt: skip
def test_an_opinion_is_drawn_to_the_decision(message_type: str, kind: str) -> None:
    log = Log()
    log.answer("bob", message_type, "p1")

    assert edges(log) == [("bob", "__decision", kind)]
    assert stages(log) == {"__decision": "active"}


@pytest.mark.parametrize("message_type", ["Withdraw", "TaskUpdate", "TaskComplete", "HandoffContext", "Contribute"])
def test_what_is_no_opinion_is_not_drawn(message_type: str) -> None:
    log = Log()
    log.answer("bob", message_type, "p1")

    assert edges(log) == []
    assert stages(log) == {}


def test_each_stage_completes_the_ones_before_it() -> None:
    log = Log()
    log.bind()
    log.derive("proposal.created", "alice", "Proposal", {}, ("proposal", "p1"))
    assert stages(log) == {"__start": "completed", "__proposal": "active"}

    log.answer("bob", "Vote", "p1", {"vote": "ABSTAIN"})
    assert stages(log) == {"__start": "completed", "__proposal": "completed", "__decision": "active"}

    log.derive("decision.finalized", "alice", "Commitment", {"action": "x"}, ("decision", "c1"))
    assert list(stages(log).values()) == ["completed", "completed", "completed", "active"]
    assert edges(log)[-2:] == [("alice", "__outcome", "commits"), ("__decision", "__outcome", "commits")]


def test_a_stage_that_was_overtaken_is_complete() -> None:
    log = Log()
    log.answer("bob", "Vote", "p1")
    log.derive("proposal.created", "alice", "Proposal", {}, ("proposal", "p1"))

    assert stages(log) == {"__decision": "active", "__proposal": "completed"}


@pytest.mark.parametrize(
    ("status", "outcome"), [("completed", "completed"), ("failed", "failed"), ("cancelled", "completed")]
)
def test_the_ending_completes_the_stages_and_a_failure_shows_at_the_outcome(status: str, outcome: str) -> None:
    log = Log()
    log.bind()
    log.end(status)

    assert stages(log) == {"__start": "completed", "__outcome": outcome}
