"""Before Signalbox ends a run on its own account it asks the runtime once, and prefers its answer."""

import asyncio
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from pytest_django.fixtures import Settings

from runs.domain.endings import EndingCode
from runs.domain.events import Draft, EventType, Observation, SessionState
from runs.domain.lifecycle import RunStatus
from runs.ending import Outcome, Questions, asking
from runs.errors import (
    BreakerOpen,
    RuntimeRejected,
    RuntimeTimedOut,
    RuntimeUnavailable,
    RuntimeUnsupported,
    SessionNotFound,
)
from runs.models import Event, Run
from runs.recorder import record
from tests.cast import envelope, fresh, session_now
from tests.invariants import assert_invariants, types_of
from tests.played import OPENED, Line, Silence
from tests.puppet import Puppet
from tests.settling import DEADLINES, OURS, ending_of, settled, verdict
from tests.underway import bound, launched, own_start, running, starting

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stage")]

OPEN, SUSPENDED = SessionState.OPEN, SessionState.SUSPENDED


def commit(run: Run) -> int:
    """The seq of an accepted Commitment in the run's log."""
    finalized = Draft(type=EventType.DECISION_FINALIZED, data={"commitmentId": "c-1"})
    return record(run.id, [finalized], epoch=None).last_seq


# -- the session is over: that is the ending


@pytest.mark.parametrize(
    ("state", "code", "status"),
    [
        (SessionState.RESOLVED, "resolved", "completed"),
        (SessionState.EXPIRED, "session_expired", "failed"),
        (SessionState.CANCELLED, "session_cancelled", "cancelled"),
    ],
)
def test_a_session_that_is_over_ends_its_run_whatever_we_had_decided(
    state: SessionState, code: str, status: str
) -> None:
    for ours in OURS:
        run = running()
        assert settled(run, verdict(ours), Puppet(states=[session_now(state, count=0)])) is Outcome.ENDED
        ending = ending_of(run)
        assert (ending["status"], ending["code"], ending["decidedBy"]) == (status, code, "runtime")
        assert ending["evidence"]["runtimeAsked"] == state
        assert fresh(run).cleanup_status is None
    assert_invariants()


def test_its_last_envelopes_are_in_the_log_before_the_ending() -> None:
    run = running()
    record(run.id, [envelope(1)], epoch=None)
    told = [OPENED, session_now(SessionState.RESOLVED, count=2), envelope(2), envelope(3), Silence()]
    session = Puppet(states=[session_now(SessionState.RESOLVED, count=2)], streams=[told])
    settled(run, verdict(EndingCode.RUN_TIMEOUT), session)
    assert session.subscribed == [1]
    assert types_of(run.id).count("message.received") == 3
    ending = ending_of(run)
    assert (ending["evidence"]["missing"], ending["evidence"]["runtimeCursor"]) == (None, 3)
    assert_invariants()


def test_a_runtime_that_does_not_count_is_read_until_it_falls_silent() -> None:
    run = running()
    told = [OPENED, envelope(1), envelope(2), Silence()]
    session = Puppet(states=[session_now(SessionState.RESOLVED)], streams=[told])
    settled(run, verdict(EndingCode.RUN_TIMEOUT), session)
    assert types_of(run.id).count("message.received") == 2
    assert ending_of(run)["evidence"]["missing"] is None


@pytest.mark.parametrize("broken", [RuntimeUnavailable("cut"), KeyError("a defect of the adapter")])
def test_what_came_before_a_stream_broke_is_kept_and_the_rest_is_said_to_be_missing(broken: Exception) -> None:
    run = running()
    session = Puppet(
        states=[session_now(SessionState.RESOLVED, count=4)], streams=[[OPENED, envelope(1), envelope(2), broken]]
    )
    assert settled(run, verdict(EndingCode.RUN_TIMEOUT), session) is Outcome.ENDED
    assert types_of(run.id).count("message.received") == 2
    assert ending_of(run)["evidence"]["missing"] == {"afterOrdinal": 2, "reason": "compacted"}
    assert_invariants()


def test_a_session_that_was_forgotten_between_the_answer_and_the_reading_is_said_to_be_evicted() -> None:
    run = running()
    session = Puppet(states=[session_now(SessionState.RESOLVED, count=4)], streams=[[SessionNotFound()]])
    settled(run, verdict(EndingCode.RUN_TIMEOUT), session)
    ending = ending_of(run)
    assert (ending["code"], ending["evidence"]["missing"]) == ("resolved", {"afterOrdinal": 0, "reason": "evicted"})


@pytest.mark.parametrize("status", ["starting", "binding_session", "running"])
def test_a_run_whose_session_is_over_is_walked_there_status_by_status_in_one_batch(status: str) -> None:
    run = {"starting": starting, "binding_session": bound, "running": running}[status]()
    session = Puppet(
        states=[session_now(SessionState.RESOLVED, count=0)], streams=[[OPENED, own_start(run.id), Silence()]]
    )
    settled(run, verdict(EndingCode.RUN_TIMEOUT), session)
    log = Event.objects.filter(run_id=run.id).order_by("seq").values_list("type", "data")
    passed = [kind for kind, data in log if '"runStatus":"' in data]
    assert passed == ["run.started", "session.bound", "session.state.changed", "run.completed"]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT xmin::text) FROM runs_event WHERE run_id = %s AND seq > %s AND data LIKE %s",
            [run.id, run.last_seq, '%"runStatus"%'],
        )
        assert cursor.fetchone() == (1,)
    assert_invariants()


# -- open: our code stands


def test_our_code_stands_for_an_open_session_which_is_then_due_to_be_cancelled() -> None:
    for ours in OURS:
        run = running()
        session = Puppet(states=[session_now(OPEN, count=0)])
        assert settled(run, verdict(ours), session) is Outcome.ENDED
        ending = ending_of(run)
        assert (ending["code"], ending["decidedBy"], ending["evidence"]["runtimeAsked"]) == (ours, "sweeper", OPEN)
        found = fresh(run)
        assert (found.cleanup_status, found.cleanup_errors, found.error_code) == ("pending", [], ours)
        # It should be for a sweep to do, after the commit.
        assert (session.cancelled, session.asked) == (0, 1)
    assert_invariants()


# -- suspended: no ending


@pytest.mark.parametrize("status", ["binding_session", "running"])
def test_a_suspended_session_suspends_its_run_and_sets_its_clocks_anew(status: str) -> None:
    for ours in DEADLINES:
        run = bound() if status == "binding_session" else running()
        awake = run.hard_deadline
        assert settled(run, verdict(ours), Puppet(states=[session_now(SUSPENDED, count=0)])) is Outcome.SUSPENDED
        run = fresh(run)
        assert (run.status, run.ending, run.hard_deadline_awake) == ("suspended", None, awake)
        assert run.hard_deadline - run.suspended_at > timedelta(days=7)
        walked = [
            data.partition('"runStatus":"')[2].partition('"')[0]
            for data in Event.objects.filter(run_id=run.id, seq__gt=2).order_by("seq").values_list("data", flat=True)
            if '"runStatus"' in data
        ]
        assert walked == ["binding_session", "running", "suspended"]
    assert_invariants()


def test_a_session_that_is_still_suspended_is_asked_about_again_later(settings: Settings) -> None:
    settings.RUN_HARD_GRACE_MS = 5_000
    run = running()
    record(run.id, [session_now(SUSPENDED)], epoch=None)
    Run.objects.update(hard_deadline=run.created_at)
    before = fresh(run)
    settled(run, verdict(EndingCode.RUN_TIMEOUT), Puppet(states=[session_now(SUSPENDED, count=0)]))
    after = fresh(run)
    assert after.hard_deadline > before.hard_deadline
    assert (after.last_seq, after.suspended_at) == (before.last_seq, before.suspended_at)
    assert after.hard_deadline_awake == run.hard_deadline


def test_a_session_suspended_before_its_run_was_bound_waits_for_its_owner() -> None:
    run = starting()
    deadline = run.admission_deadline
    session = Puppet(states=[session_now(SUSPENDED, count=0)], streams=[[OPENED, own_start(run.id), Silence()]])
    assert settled(run, verdict(EndingCode.NEVER_STARTED), session) is Outcome.SUSPENDED
    after = fresh(run)
    assert (after.status, after.hard_deadline) == ("starting", None)
    assert after.admission_deadline != deadline


def test_a_run_that_was_suspended_meanwhile_keeps_the_clocks_it_was_given() -> None:
    run = running()
    record(run.id, [session_now(SUSPENDED)], epoch=None)
    before = fresh(run)
    session = Puppet(states=[session_now(SUSPENDED, count=0)])
    outcome = settled(
        run, verdict(EndingCode.PROGRESS_TIMEOUT), session, still=lambda writer: writer.run.status != "suspended"
    )
    assert outcome is Outcome.NOT_DUE
    assert fresh(run).hard_deadline == before.hard_deadline


def test_what_is_no_deadline_ends_a_suspended_session_too() -> None:
    for ours in sorted({*OURS} - {*DEADLINES}):
        run = running()
        assert settled(run, verdict(ours), Puppet(states=[session_now(SUSPENDED, count=0)])) is Outcome.ENDED
        assert (ending_of(run)["code"], fresh(run).cleanup_status) == (ours, "pending")


# -- not found


def test_a_session_that_is_not_known_any_more_is_lost() -> None:
    for ours in OURS:
        run = running()
        settled(run, verdict(ours), Puppet(states=[SessionNotFound("gone")]))
        ending = ending_of(run)
        assert (ending["code"], ending["status"]) == ("session_lost", "failed")
        assert ending["evidence"]["runtimeAsked"] == "SESSION_NOT_FOUND"
        assert ending["error"]["runtimeCode"] == "NOT_FOUND"
        assert fresh(run).cleanup_status is None
    assert_invariants()


def test_unless_a_commitment_was_accepted_which_is_then_the_evidence() -> None:
    for ours in OURS:
        run = running()
        seq = commit(run)
        settled(run, verdict(ours), Puppet(states=[SessionNotFound("gone")]))
        ending = ending_of(run)
        assert (ending["code"], ending["status"], ending["decidedBy"]) == ("resolved", "completed", "observer")
        assert ending["evidence"]["commitmentSeq"] == seq
    assert_invariants()


def test_a_session_nobody_ever_opened_is_not_lost_l08() -> None:
    run = starting(opener="agent")
    session = Puppet(states=[SessionNotFound("never heard of it")])
    settled(run, verdict(EndingCode.NEVER_STARTED), session)
    ending = ending_of(run)
    assert (ending["code"], ending["evidence"]["runtimeAsked"]) == ("never_started", "SESSION_NOT_FOUND")
    assert session.asked == 1


def test_a_start_that_never_arrived_is_no_lost_session_either() -> None:
    run = starting()
    settled(run, verdict(EndingCode.NEVER_STARTED), Puppet(states=[SessionNotFound("never heard of it")]))
    assert ending_of(run)["code"] == "never_started"
    # It should be looked for again: what was sent may still arrive.
    assert fresh(run).cleanup_status == "pending"


# -- somebody else's


@pytest.mark.parametrize("state", SessionState)
def test_a_session_that_another_start_has_opened_decides_nothing_and_tells_the_log_nothing(state: SessionState) -> None:
    run = starting()
    theirs = [OPENED, envelope("theirs", kind="SessionStart"), envelope(1), envelope(2), Silence()]
    session = Puppet(states=[session_now(state, count=2)], streams=[theirs])
    assert settled(run, verdict(EndingCode.NEVER_STARTED), session) is Outcome.ENDED
    ending, found = ending_of(run), fresh(run)
    assert (ending["code"], ending["decidedBy"]) == ("never_started", "sweeper")
    assert (ending["evidence"]["runtimeAsked"], ending["evidence"]["sessionState"]) == ("not_ours", None)
    assert (ending["evidence"]["missing"], ending["evidence"]["runtimeCursor"]) == (None, 0)
    assert types_of(run.id)[run.last_seq :] == ["run.failed"]
    # It should leave that session alone.
    assert (found.cleanup_status, session.cancelled) == (None, 0)
    assert_invariants()


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (RuntimeRejected("you may not read this session"), "you may not read this session"),
        (RuntimeUnavailable("cut"), "cut"),
        (KeyError("a defect of the adapter"), "internal error: KeyError"),
        (Silence(), "no answer within 0 s"),
    ],
)
@pytest.mark.parametrize("state", [SUSPENDED, SessionState.RESOLVED])
def test_a_session_of_which_nobody_can_say_whose_it_is_is_no_answer(
    state: SessionState, first: Line, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "ASK_SECONDS", 0.2)
    run = starting()
    session = Puppet(states=[session_now(state, count=2)], streams=[[OPENED, first]])
    assert settled(run, verdict(EndingCode.NEVER_STARTED), session) is Outcome.ENDED
    ending = ending_of(run)
    assert (ending["code"], ending["evidence"]["runtimeAsked"]) == ("never_started", "no_answer")
    assert ending["error"]["cleanupErrors"] == [f"{asking.WHOSE}: {words}"]
    assert fresh(run).cleanup_status == "pending"
    assert_invariants()


def test_a_session_that_is_gone_before_it_has_told_whose_it_is_was_never_there() -> None:
    run = starting()
    session = Puppet(states=[session_now(OPEN, count=2)], streams=[[SessionNotFound("gone")]])
    settled(run, verdict(EndingCode.NEVER_STARTED), session)
    ending = ending_of(run)
    assert (ending["code"], ending["evidence"]["runtimeAsked"]) == ("never_started", "SESSION_NOT_FOUND")


def test_a_session_that_our_unanswered_start_has_opened_is_believed_whatever_it_says() -> None:
    run = starting()
    said = [OPENED, own_start(run.id), envelope(1), Silence()]
    session = Puppet(states=[session_now(SessionState.RESOLVED, count=1)], streams=[said])
    settled(run, verdict(EndingCode.NEVER_STARTED), session)
    ending = ending_of(run)
    assert (ending["code"], ending["decidedBy"], ending["evidence"]["runtimeCursor"]) == ("resolved", "runtime", 2)
    assert_invariants()


def test_whose_a_session_is_is_asked_only_while_the_start_has_no_answer() -> None:
    for run in (running(), starting(opener="agent")):
        session = Puppet(states=[session_now(OPEN, count=0)])
        settled(run, verdict(EndingCode.RUN_TIMEOUT), session)
        assert (ending_of(run)["evidence"]["runtimeAsked"], session.subscribed) == (OPEN, [])


# -- no answer


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (RuntimeUnavailable("nobody there"), "GetSession: nobody there"),
        (RuntimeTimedOut("too slow"), "GetSession: too slow"),
        (BreakerOpen(), "GetSession: Calls to the runtime are suspended after repeated failures."),
        (RuntimeRejected("not for you", runtime_code="FORBIDDEN"), "GetSession: not for you"),
        (RuntimeUnsupported("no such call"), "GetSession: no such call"),
        (KeyError("a defect of the adapter"), "GetSession: internal error: KeyError"),
    ],
)
def test_without_an_answer_our_code_stands_and_the_question_is_an_error_of_the_ending_t03(
    fault: Exception, words: str
) -> None:
    for ours in DEADLINES:
        run = running()
        assert settled(run, verdict(ours), Puppet(states=[fault])) is Outcome.ENDED
        ending = ending_of(run)
        assert (ending["code"], ending["evidence"]["runtimeAsked"]) == (ours, "no_answer")
        assert ending["error"] == {"message": "so it was decided", "runtimeCode": None, "cleanupErrors": [words]}
        assert fresh(run).cleanup_status == "pending"
    assert_invariants()


def test_an_answer_that_never_comes_is_waited_for_no_longer_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asking.ASK_SECONDS == 5.0
    monkeypatch.setattr(asking, "ASK_SECONDS", 0.05)
    run = running()
    settled(run, verdict(EndingCode.RUN_TIMEOUT), Puppet(states=[Silence()]))
    (error,) = ending_of(run)["error"]["cleanupErrors"]
    assert error.startswith("GetSession: no answer within")


# -- not asked at all


@pytest.mark.parametrize("opener", ["control-plane", "agent"])
def test_a_run_that_cannot_have_a_session_asks_nobody(opener: str) -> None:
    run, session = launched(opener=opener), Puppet()
    settled(run, verdict(EndingCode.NEVER_STARTED), session)
    ending = ending_of(run)
    assert (ending["code"], ending["evidence"]["runtimeAsked"], session.asked) == ("never_started", None, 0)
    assert fresh(run).cleanup_status is None


def test_a_runtime_that_has_answered_already_is_not_asked_again() -> None:
    run, session = starting(), Puppet()
    settled(run, verdict(EndingCode.RUNTIME_REJECTED, runtime_asked="FORBIDDEN"), session)
    assert (session.asked, ending_of(run)["evidence"]["runtimeAsked"]) == (0, "FORBIDDEN")


# -- how many at once


def test_no_more_than_64_questions_are_asked_at_a_time() -> None:
    class Counting(Puppet):
        def __init__(self) -> None:
            super().__init__()
            self.at_once = self.peak = 0
            self.enough = asyncio.Event()

        async def snapshot(self) -> Observation:
            self.at_once += 1
            self.peak = max(self.peak, self.at_once)
            if self.at_once == asking.AT_ONCE:
                asyncio.get_running_loop().call_later(0.05, self.enough.set)  # time for a 65th to come, if it could
            await self.enough.wait()
            self.at_once -= 1
            return session_now(OPEN)

    async def many() -> int:
        session, questions = Counting(), Questions()
        await asyncio.gather(*(questions.ask(session) for _ in range(200)))  # type: ignore[arg-type]
        return session.peak

    assert asking.AT_ONCE == 64
    assert asyncio.run(many()) == 64


# -- decided anew under the lock


def test_a_deadline_that_moved_while_the_runtime_was_asked_ends_nothing() -> None:
    run = running()
    before = fresh(run)
    assert settled(run, verdict(EndingCode.PROGRESS_TIMEOUT), Puppet(), still=lambda _: False) is Outcome.NOT_DUE
    after = fresh(run)
    assert (after.last_seq, after.updated_at, after.status) == (before.last_seq, before.updated_at, "running")


def test_a_session_that_is_over_ends_its_run_even_if_the_deadline_moved() -> None:
    run = running()
    session = Puppet(states=[session_now(SessionState.RESOLVED, count=0)])
    assert settled(run, verdict(EndingCode.PROGRESS_TIMEOUT), session, still=lambda _: False) is Outcome.ENDED


@pytest.mark.parametrize(("through", "decided_by"), [("api", "api"), ("operator", "operator"), (None, "api")])
@pytest.mark.parametrize("state", [OPEN, SessionState.CANCELLED])
def test_once_a_cancel_is_committed_the_run_is_cancelled_whoever_writes_the_ending_l09(
    state: SessionState, through: str | None, decided_by: str
) -> None:
    run = running()

    class Meanwhile(Puppet):
        async def snapshot(self) -> Observation:
            await asyncio.to_thread(Run.objects.filter(id=run.id).update, wanted="cancel", wanted_through=through)
            return session_now(state, count=0)

    assert settled(run, verdict(EndingCode.RUN_TIMEOUT), Meanwhile()) is Outcome.ENDED
    ending = ending_of(run)
    assert (ending["status"], ending["code"], ending["decidedBy"]) == ("cancelled", "cancelled", decided_by)
    assert fresh(run).error_code is None
    # It should be cancelled at the runtime only where it still is open.
    assert fresh(run).cleanup_status == ("pending" if state is OPEN else None)
    assert types_of(run.id)[-1] == "run.cancelled"
    assert_invariants()


def test_the_failed_question_of_a_cancelled_run_is_kept_l09() -> None:
    run = running()
    Run.objects.update(wanted="cancel", wanted_through="operator")
    settled(run, verdict(EndingCode.RUN_TIMEOUT), Puppet(states=[RuntimeUnavailable("nobody there")]))
    ending = ending_of(run)
    assert (ending["code"], ending["error"]["cleanupErrors"]) == ("cancelled", ["GetSession: nobody there"])


@pytest.mark.parametrize(
    ("state", "code"), [(SessionState.RESOLVED, "resolved"), (SessionState.EXPIRED, "session_expired")]
)
def test_a_session_that_was_over_before_the_cancel_keeps_its_own_outcome(state: SessionState, code: str) -> None:
    run = running()
    Run.objects.update(wanted="cancel", wanted_through="api")
    settled(run, verdict(EndingCode.RUN_TIMEOUT), Puppet(states=[session_now(state, count=0)]))
    assert ending_of(run)["code"] == code


# -- losing


def test_the_loser_of_an_election_writes_nothing_l03() -> None:
    run = running()
    settled(run, verdict(EndingCode.RUN_TIMEOUT), Puppet())
    first = fresh(run)
    log = types_of(run.id)
    rest = [OPENED, envelope(1), Silence()]
    late = Puppet(states=[session_now(SessionState.RESOLVED, count=1)], streams=[rest])
    assert settled(run, verdict(EndingCode.PROGRESS_TIMEOUT), Puppet()) is Outcome.LOST
    assert settled(run, verdict(EndingCode.PROGRESS_TIMEOUT), late) is Outcome.LOST
    assert types_of(run.id) == log
    after = fresh(run)
    assert (after.ending, after.updated_at, after.session.cursor) == (first.ending, first.updated_at, 0)
    assert_invariants()


def test_a_former_owner_ends_nothing_c03() -> None:
    run = running()
    Run.objects.update(lease_epoch=9)
    assert settled(run, verdict(EndingCode.INTERNAL_ERROR), Puppet(), epoch=1) is Outcome.LOST
    assert RunStatus(fresh(run).status) is RunStatus.RUNNING


def test_a_fault_of_the_database_is_no_lost_election_l19() -> None:
    run = running()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE runs_projection RENAME TO runs_projection_away")
    try:
        with pytest.raises(Exception, match="runs_projection"):
            settled(run, verdict(EndingCode.RUN_TIMEOUT), Puppet())
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE runs_projection_away RENAME TO runs_projection")
    assert fresh(run).ending is None
    assert_invariants()


def test_a_connection_that_breaks_in_the_middle_of_an_ending_raises_l19() -> None:
    run = running()

    def cut(_: object) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return True

    with pytest.raises(OperationalError):
        settled(run, verdict(EndingCode.RUN_TIMEOUT), Puppet(), still=cut)
    assert fresh(run).ending is None
    assert settled(run, verdict(EndingCode.RUN_TIMEOUT), Puppet()) is Outcome.ENDED
    assert_invariants()
