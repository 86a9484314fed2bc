"""The private slices: what the normaliser must know, and what is counted for a run."""

from typing import Any

from hypothesis import given

from runs.domain.events import Event
from runs.domain.projection import EMPTY, empty, final_metadata, fold, metrics_summary
from tests.event_logs import event_logs
from tests.run_log import RUN_ID, Log, at


def test_everyone_ever_seen_is_remembered_although_the_list_shown_is_capped() -> None:
    log = Log()
    for number in range(1100):
        log.see(f"agent-{number}")
    log.see("agent-0")
    state: Any = fold(EMPTY, log.events)

    assert state.private["context"]["seen"] == [f"agent-{number}" for number in range(1100)]
    assert len(state.public["participants"]) == 1000


def test_a_sender_without_a_participant_event_was_not_seen_yet() -> None:
    log = Log()
    log.hear("eve", "Note", {})

    assert fold(EMPTY, log.events).private["context"]["seen"] == []  # type: ignore[index]


def test_the_context_knows_the_last_session_state_the_last_time_and_the_commitment() -> None:
    assert EMPTY.private["context"] == {"seen": [], "sessionState": None, "lastEventTs": None, "commitmentSeq": None}
    log = Log()
    log.bind()
    assert fold(EMPTY, log.events).private["context"]["sessionState"] == "SESSION_STATE_OPEN"  # type: ignore[index]

    log.write("session.state.changed", {"state": "SESSION_STATE_SUSPENDED"})
    log.derive("decision.finalized", "alice", "Commitment", {}, ("decision", "c1"))
    log.write("session.stream.opened", {"state": "SESSION_STATE_OPEN"})

    assert fold(EMPTY, log.events).private["context"] == {
        "seen": [],
        "sessionState": "SESSION_STATE_SUSPENDED",
        "lastEventTs": at(6),
        "commitmentSeq": 5,
    }


def test_a_new_run_has_zeros_and_no_times() -> None:
    assert metrics_summary(empty("r")) == {
        "runId": "r",
        "eventCount": 0,
        "messageCount": 0,
        "signalCount": 0,
        "proposalCount": 0,
        "toolCallCount": 0,
        "decisionCount": 0,
        "streamReconnectCount": 0,
        "promptTokens": 0,
        "completionTokens": 0,
        "totalTokens": 0,
        "estimatedCostUsd": 0,
    }
    assert final_metadata(empty("r")) == {
        "durationMs": None,
        "eventCount": 0,
        "signalCount": 0,
        "decisionCount": 0,
        "finalAction": None,
        "finalConfidence": None,
    }


@given(event_logs())
def test_b03_the_metrics_equal_a_recount_over_the_log(log: list[Event]) -> None:
    summary = metrics_summary(fold(EMPTY, log))

    def recount(*types: str, **members: str) -> int:
        return sum(event.type in types and members.items() <= event.data.items() for event in log)

    assert summary["runId"] == str(RUN_ID)
    assert summary["eventCount"] == len(log)
    assert summary["messageCount"] == recount("message.received") + recount("message.sent", status="accepted")
    assert summary["signalCount"] == recount("signal.emitted")
    assert summary["proposalCount"] == recount("proposal.created", "proposal.updated")
    assert summary["toolCallCount"] == recount("tool.called")
    assert summary["decisionCount"] == recount("decision.finalized")
    assert summary["streamReconnectCount"] == recount("session.stream.opened", status="reconnecting")
    assert summary["promptTokens"] == sum(e.data["promptTokens"] for e in log if e.type == "llm.call.completed")  # type: ignore[misc]
    assert (summary["firstEventAt"], summary["lastEventAt"]) == (log[0].ts, log[-1].ts)
    assert summary["durationMs"] == (len(log) - 1) * 1000


def test_the_final_metadata_tell_how_it_was_decided() -> None:
    log = Log()
    log.bind()
    log.answer("alice", "Vote", "p1", {"vote": "YES"})
    log.answer("bob", "Vote", "p1", {"vote": "NO"})
    log.derive("signal.emitted", "bob", "Signal", {"signalType": "alarm"}, ("signal", "s1"))
    log.derive("decision.finalized", "alice", "Commitment", {"action": "decision.selected"}, ("decision", "c1"))
    log.derive("proposal.created", "bob", "Proposal", {"option": "late", "confidence": 0.1}, ("proposal", "p2"))
    log.end()

    assert final_metadata(fold(EMPTY, log.events)) == {
        "durationMs": 8000,
        "eventCount": 9,
        "signalCount": 1,
        "decisionCount": 1,
        "finalAction": "decision.selected",
        "finalConfidence": 0.5,
    }


def test_a_decision_without_votes_has_the_confidence_that_was_claimed_or_none() -> None:
    log = Log()
    log.derive("decision.finalized", "alice", "Commitment", {"action": "x"}, ("decision", "c1"))
    assert final_metadata(fold(EMPTY, log.events))["finalConfidence"] is None

    log.derive("decision.finalized", "alice", "Commitment", {"action": "y", "confidence": 0.4}, ("decision", "c2"))
    final = final_metadata(fold(EMPTY, log.events))
    assert (final["finalAction"], final["finalConfidence"]) == ("y", 0.4)
