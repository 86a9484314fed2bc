"""Sections `run`, `timeline` and `trace`."""

from typing import Any

import pytest

from runs.domain.projection import EMPTY, empty, fold
from tests.run_log import RUN_ID, Log, at


def public(log: Log) -> Any:
    return fold(EMPTY, log.events).public


def test_a_run_of_which_nothing_was_recorded_is_queued_and_empty() -> None:
    state: Any = empty("r").public

    assert state["run"] == {"runId": "r", "status": "queued"}
    assert state["policy"] == {"policyVersion": "", "commitmentEvaluations": []}
    assert state["llm"]["totals"] == dict.fromkeys(state["llm"]["totals"], 0)
    assert state["participants"] == state["graph"]["nodes"] == state["llm"]["calls"] == []


def test_creation_start_and_binding_say_what_the_run_is() -> None:
    log = Log()
    log.write("run.created", {"status": "queued", "modeName": "m", "traceId": "t-1", "sessionId": "early"})
    log.write("run.started", {"status": "starting", "startedAt": "something else"})
    bound = {"sessionId": "s-1", "modeName": "m2", "contextId": "c", "extensionKeys": ["x", 1], "runStatus": "running"}
    log.write("session.bound", bound)

    assert public(log)["run"] == {
        "runId": str(RUN_ID),
        "status": "running",
        "traceId": "t-1",
        "modeName": "m2",
        "runtimeSessionId": "s-1",
        "contextId": "c",
        "extensionKeys": ["x"],
        "startedAt": at(2),
    }


def test_any_event_may_carry_the_status_but_only_run_events_in_their_own_status_member() -> None:
    log = Log()
    log.write("session.state.changed", {"runStatus": "running", "status": "failed"})
    log.write("session.stream.opened", {"status": "opened"})
    assert public(log)["run"]["status"] == "running"

    log.write("run.suspended", {"status": "suspended"})
    assert public(log)["run"]["status"] == "suspended"

    log.write("run.resumed", {"runStatus": "running", "status": "suspended"})
    assert public(log)["run"]["status"] == "running"


def test_b18_neither_a_commitment_nor_a_session_state_ends_the_run() -> None:
    log = Log()
    log.write("session.state.changed", {"state": "SESSION_STATE_OPEN", "runStatus": "running"})
    log.derive("decision.finalized", "alice", "Commitment", {"action": "done"}, ("decision", "c1"))
    log.write("session.state.changed", {"state": "SESSION_STATE_RESOLVED"})

    assert public(log)["run"]["status"] == "running"


@pytest.mark.parametrize("status", ["banana", "", 7, None, ["running"]])
def test_a_status_that_does_not_exist_moves_nothing(status: object) -> None:
    log = Log()
    log.write("run.resumed", {"runStatus": status})

    assert public(log)["run"]["status"] == "queued"


def test_the_ending_dates_the_run_and_shows_who_decided() -> None:
    log = Log()
    log.write("run.created")
    log.end("failed", "session_lost")

    run = public(log)["run"]
    assert run["status"] == "failed"
    assert run["endedAt"] == at(2)
    assert run["ending"] == {"status": "failed", "code": "session_lost", "decidedBy": "runtime"}


def test_the_timeline_keeps_the_last_fifty_lines_with_their_subjects() -> None:
    log = Log()
    for number in range(60):
        log.write("artifact.created", {}, ("artifact", str(number)) if number != 59 else None)

    timeline = public(log)["timeline"]
    assert (timeline["latestSeq"], timeline["totalEvents"], len(timeline["recent"])) == (60, 60, 50)
    last_but_one, last = timeline["recent"][-2:]
    assert last_but_one["subject"] == {"kind": "artifact", "id": "58"}
    assert last == {"id": str(log.events[-1].id), "seq": 60, "ts": at(60), "type": "artifact.created"}


def test_the_first_trace_id_stays_and_a_span_counts_when_it_changes() -> None:
    log = Log()
    for trace_id, span_id in ((None, None), ("t1", "a"), ("t2", "a"), (None, "b"), (None, None), ("t2", "a")):
        log.write("tool.called", trace_id=trace_id, span_id=span_id)

    trace = public(log)["trace"]
    assert trace == {"traceId": "t1", "spanCount": 3, "lastSpanId": "a", "linkedArtifacts": []}


def test_an_artifact_is_linked_once() -> None:
    log = Log()
    for artifact in ("a", "b", "a"):
        log.write("artifact.created", {}, ("artifact", artifact))

    assert public(log)["trace"]["linkedArtifacts"] == ["a", "b"]
