"""Section `participants`, its nodes, and the terminal sweep."""

from typing import Any

import pytest

from runs.domain.projection import EMPTY, fold
from tests.run_log import Log, at


def public(log: Log) -> Any:
    return fold(EMPTY, log.events).public


def statuses(log: Log) -> dict[str, str]:
    return {entry["participantId"]: entry["status"] for entry in public(log)["participants"]}


def node_statuses(log: Log) -> dict[str, str]:
    return {node["id"]: node["status"] for node in public(log)["graph"]["nodes"]}


def test_e18_a_participant_is_added_idle_with_its_role_and_a_node() -> None:
    log = Log()
    log.see("alice", "proposer")

    assert public(log)["participants"] == [{"participantId": "alice", "role": "proposer", "status": "idle"}]
    assert public(log)["graph"]["nodes"] == [{"id": "alice", "kind": "participant", "status": "idle"}]


def test_a_role_that_is_still_missing_is_set_and_a_known_one_stays() -> None:
    log = Log()
    log.hear("alice", "Note", {})
    log.see("alice", "voter")
    log.see("alice", "proposer")

    [alice] = public(log)["participants"]
    assert (alice["role"], alice["status"]) == ("voter", "active")


def test_an_unknown_sender_is_added_active() -> None:
    log = Log()
    log.hear("eve", "Note", {})

    assert public(log)["participants"] == [
        {"participantId": "eve", "status": "active", "latestActivityAt": at(1), "latestSummary": "Note"}
    ]
    assert node_statuses(log) == {"eve": "active"}


def test_a_reported_progress_is_activity_with_its_message_as_summary() -> None:
    log = Log()
    log.see("alice")
    log.write("progress.reported", {"participantId": "alice", "sender": "bob", "message": "half way"})
    log.write("progress.reported", {"sender": "bob", "percentage": 5})

    alice, bob = public(log)["participants"]
    assert (alice["status"], alice["latestSummary"], alice["latestActivityAt"]) == ("active", "half way", at(2))
    assert bob == {"participantId": "bob", "status": "active", "latestActivityAt": at(3)}


@pytest.mark.parametrize("event_type", ["llm.call.completed", "tool.called", "tool.completed"])
def test_using_a_model_or_a_tool_is_activity(event_type: str) -> None:
    log = Log()
    log.write(event_type, {"sender": "alice"})

    [alice] = public(log)["participants"]
    assert (alice["status"], alice["latestSummary"], alice["latestActivityAt"]) == ("active", event_type, at(1))


def test_an_accepted_message_makes_known_recipients_wait_until_they_send() -> None:
    log = Log()
    for name in ("alice", "bob", "carol"):
        log.see(name)
    log.send("queued", None, "m1", to=["bob"])
    assert statuses(log) == {"alice": "idle", "bob": "idle", "carol": "idle"}

    log.send("accepted", "queued", "m1", to=["alice", "bob", "nobody"])
    assert statuses(log) == node_statuses(log) == {"alice": "active", "bob": "waiting", "carol": "idle"}

    log.hear("bob", "Note", {})
    assert statuses(log)["bob"] == "active"


def test_a_message_that_was_only_handed_over_or_refused_moves_nobody() -> None:
    log = Log()
    log.see("alice")
    log.see("bob")
    log.send("sent", "queued", "m1", to=["bob"])
    log.send("rejected", "sent", "m1", to=["bob"])

    assert statuses(log) == {"alice": "idle", "bob": "idle"}


@pytest.mark.parametrize(
    ("status", "last"), [("completed", "completed"), ("cancelled", "completed"), ("failed", "failed")]
)
def test_the_ending_settles_everybody_and_a_failure_marks_the_last_active_one(status: str, last: str) -> None:
    log = Log()
    for name in ("alice", "bob", "carol", "dave"):
        log.see(name)
    log.hear("alice", "Note", {})
    log.hear("bob", "Note", {})
    log.send("accepted", "queued", "m1", "carol", to=["alice"])
    log.hear("bob", "Note", {})
    log.end(status)

    assert statuses(log) == {"alice": "completed", "bob": last, "carol": "completed", "dave": "skipped"}
    assert {name: value for name, value in node_statuses(log).items() if name != "__outcome"} == statuses(log)


def test_the_last_active_one_fails_also_while_it_waits() -> None:
    log = Log()
    log.hear("bob", "Note", {})
    log.send("accepted", "queued", "m1", "alice", to=["bob"])
    log.see("bob")
    log.end("failed")
    assert statuses(log) == {"bob": "completed", "alice": "failed"}


def test_a_participant_that_had_to_go_takes_its_node_with_it() -> None:
    log = Log()
    for number in range(1001):
        log.see(f"agent-{number}")

    assert list(node_statuses(log)) == [f"agent-{number}" for number in range(1, 1001)]
