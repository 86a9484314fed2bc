"""Stream status, snapshots and lifecycle events become session and run events."""

import msgspec
import pytest

from runs.domain.events import Draft, EventType, ObservationKind, SessionState
from runs.domain.lifecycle import RunStatus
from tests import scenarios
from tests.drafting import RUN, TRACE, a_context, only, play, types


def test_a_closed_stream_yields_no_event_and_a_new_one_does() -> None:
    drafts = play([scenarios.stream("opened"), scenarios.stream("closed"), scenarios.stream("reconnecting", "try 2")])

    assert [draft.data for draft in drafts] == [{"status": "opened"}, {"status": "reconnecting", "detail": "try 2"}]
    assert {(d.subject_kind, d.subject_id, d.raw_type) for d in drafts} == {
        ("session", scenarios.SESSION, "stream-status")
    }


def test_a_snapshot_counts_only_where_the_state_differs_from_the_last_known_one() -> None:
    drafts = play([scenarios.snapshot(SessionState.OPEN)] * 3)

    assert types(drafts) == [EventType.SESSION_STATE_CHANGED]
    assert drafts[0].data == {
        "sessionId": scenarios.SESSION,
        "state": "SESSION_STATE_OPEN",
        "modeName": scenarios.DECISION,
        "modeVersion": "1.0.0",
        "configurationVersion": "config.default",
        "policyVersion": "policy.default",
        "startedAtUnixMs": 1_769_851_800_000,
        "expiresAtUnixMs": 1_769_855_400_000,
    }
    assert (drafts[0].source_kind, drafts[0].source_name, drafts[0].raw_seq) == ("runtime", "scripted-runtime", 1)


def test_a_suspended_session_suspends_a_running_run_and_an_open_one_resumes_it() -> None:
    drafts = play(scenarios.SUSPENDED_AND_RESUMED[1:5])

    assert types(drafts) == [
        "session.state.changed",
        "session.state.changed",
        "run.suspended",
        "session.state.changed",
        "run.resumed",
    ]
    suspended, resumed = only(drafts, "run.suspended"), only(drafts, "run.resumed")
    assert suspended.data == {
        "status": "suspended",
        "runStatus": "suspended",
        "runtimeSessionId": scenarios.SESSION,
        "traceId": TRACE,
    }
    assert resumed.data["runStatus"] == "running"
    assert (suspended.subject_kind, suspended.subject_id) == ("run", RUN)
    assert suspended.raw_type == "session-lifecycle"


def test_a_move_that_somebody_wanted_says_why_without_secrets() -> None:
    reasons = {RunStatus.SUSPENDED: "lunch, key sk-abcdefghijklmnopqrstuvwx"}
    context = msgspec.structs.replace(a_context(), reasons=reasons)
    states = [scenarios.snapshot(SessionState.SUSPENDED), scenarios.snapshot(SessionState.OPEN)]
    drafts = play(states, context)
    suspended, resumed = only(drafts, "run.suspended"), only(drafts, "run.resumed")
    assert suspended.data["reason"] == "lunch, key [redacted]"
    assert "reason" not in resumed.data


def test_a_suspended_session_moves_no_run_that_is_not_running() -> None:
    context = a_context(status=RunStatus.BINDING_SESSION)

    assert types(play([scenarios.snapshot(SessionState.SUSPENDED)], context)) == ["session.state.changed"]
    assert context.status is RunStatus.BINDING_SESSION


@pytest.mark.parametrize("state", [SessionState.RESOLVED, SessionState.EXPIRED, SessionState.CANCELLED])
def test_a_terminal_state_is_reported_and_the_ending_left_to_others(state: SessionState) -> None:
    drafts = play([scenarios.snapshot(state), scenarios.snapshot(SessionState.OPEN, ObservationKind.LIFECYCLE)])

    assert types(drafts) == ["session.state.changed"]
    assert drafts[0].data["state"] == state.value


def test_a_state_the_runtime_does_not_name_says_nothing() -> None:
    assert play([scenarios.snapshot(SessionState.UNSPECIFIED)]) == []


def test_our_own_drafts_teach_the_context_as_the_runtimes_do() -> None:
    context = a_context(status=RunStatus.STARTING)
    context.learn(
        Draft(
            type="session.bound",
            data={"sessionId": "s-9", "state": "SESSION_STATE_OPEN", "runStatus": "binding_session"},
        )
    )
    context.learn(Draft(type="run.resumed", data={"status": "running"}))
    context.learn(Draft(type="message.queued", data={"messageId": "half"}))

    assert (context.session_id, context.session_state, context.status) == (
        "s-9",
        "SESSION_STATE_OPEN",
        RunStatus.RUNNING,
    )
    assert context.outbound == {}
