"""Clean-up after an ending of our own: durable, bounded, done by any sweep, and never part of the event (T03, T04)."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import msgspec
import orjson
import pytest
from django.test import Client, override_settings
from pytest_django.fixtures import Settings

from runs.bridge import rows
from runs.domain.endings import EndingCode
from runs.domain.events import Observation, ObservationKind, SessionState
from runs.ending import cleanup
from runs.errors import RuntimeRejected, RuntimeTimedOut, RuntimeUnavailable, RuntimeUnsupported, SessionNotFound
from runs.models import Event, LateObservation, Run
from runs.recorder import record
from runs.runtimes.port import Sent
from tests.cast import envelope, fresh, session_now
from tests.integration.runs.test_observe_run import becomes_true, ended, observe_until
from tests.integration.runs.test_observer_loops import Beside
from tests.invariants import assert_invariants, types_of
from tests.played import OPENED, Line, Silence
from tests.puppet import ACCEPTED, REFUSED, START, Puppet, Stage, answered
from tests.settling import ending_of, settled, verdict
from tests.steered import cancel
from tests.sweeping import few_are_expected, make_cleanup_due, make_due, swept
from tests.underway import bound, launched, own_start, running, starting

pytestmark = pytest.mark.django_db(transaction=True)

Cancels = Sequence[Sent | BaseException]


def owing(stage: Stage, run: Run | None = None, *, cancels: Cancels = (ACCEPTED,), **more: object) -> Run:
    """A run that we ended, whose open session is still to be cancelled."""
    run = run or running()
    stage.sessions[str(run.session_id)] = session = Puppet(cancels=cancels, **more)  # type: ignore[arg-type]
    settled(run, verdict(EndingCode.RUN_TIMEOUT), session)
    return fresh(run)


def session_of(stage: Stage, run: Run) -> Puppet:
    return stage.sessions[str(run.session_id)]


def shown(caller: Client, run: Run) -> object:
    return caller.get(f"/runs/{run.id}").json().get("cleanup")


def test_an_open_session_of_ours_is_cancelled_by_the_next_sweep_after_the_commit_t04_c19(
    stage: Stage, caller: Client
) -> None:
    run = owing(stage)
    event = Event.objects.get(run_id=run.id, type="run.failed").data
    assert shown(caller, run) == {"status": "pending", "errors": []}
    assert session_of(stage, run).cancelled == 0

    assert swept() == {"clean-ups tried": 1}
    assert session_of(stage, run).cancelled == 1
    assert shown(caller, run) == {"status": "done", "errors": []}
    assert fresh(run).cleanup_due_at is None
    # It should be done once, and leave the ending as it was.
    assert swept() == {}
    assert Event.objects.get(run_id=run.id, type="run.failed").data == event
    assert fresh(run).ending == run.ending
    assert_invariants()


@pytest.mark.parametrize("gone", [SessionNotFound("never heard of it"), answered(ok=True, duplicate=True)])
def test_a_session_that_is_gone_or_over_is_clean(gone: Sent | BaseException, stage: Stage) -> None:
    run = owing(stage, cancels=[gone])
    swept()
    assert (fresh(run).cleanup_status, fresh(run).cleanup_errors) == ("done", [])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (REFUSED, "CancelSession was refused: not yours"),
        (RuntimeUnavailable("nobody there"), "CancelSession: nobody there"),
        (RuntimeUnsupported("cannot cancel"), "CancelSession: cannot cancel (not supported)"),
        (KeyError("a defect of the adapter"), "CancelSession: internal error: KeyError"),
    ],
)
def test_it_is_tried_five_times_and_every_error_is_shown_beside_the_ending_t03_t04(
    answer: Sent | BaseException, words: str, stage: Stage, caller: Client
) -> None:
    run = owing(stage, cancels=[answer])
    ending = run.ending
    for number in range(1, cleanup.TRIES + 1):
        status = "pending" if number < cleanup.TRIES else "failed"
        assert swept() == {"clean-ups tried": 1}
        assert shown(caller, run) == {"status": status, "errors": [words] * number}
        # It should wait before the next try, each time longer.
        waits = fresh(run).cleanup_due_at
        assert (waits is None) is (status == "failed")
        assert swept() == {}
        make_cleanup_due(run)
    assert swept() == {}
    assert session_of(stage, run).cancelled == 5
    assert fresh(run).ending == ending
    assert_invariants()


def test_the_waits_grow_and_are_longer_than_a_try(stage: Stage) -> None:
    assert (cleanup.TRY_SECONDS, cleanup.TRIES) == (15, 5)
    run = owing(stage, cancels=[REFUSED])
    waits = []
    for _ in range(4):
        make_cleanup_due(run)
        before = fresh(run).cleanup_due_at
        swept()
        waits.append(round((fresh(run).cleanup_due_at - before) / timedelta(seconds=10)) * 10)
    assert waits == [30, 60, 90, 120]


def test_a_hanging_cancel_is_given_up_after_its_time_and_tried_again_t04(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "TRY_SECONDS", 0.05)
    run = owing(stage, cancels=[Silence(), answered()])
    swept()
    (error,) = fresh(run).cleanup_errors
    assert (fresh(run).cleanup_status, error[:29]) == ("pending", "CancelSession: no answer with")
    make_cleanup_due(run)
    swept()
    assert (fresh(run).cleanup_status, fresh(run).cleanup_errors) == ("done", [error])


def test_a_runtime_that_hangs_keeps_no_other_run_from_its_ending_t04(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "TRY_SECONDS", 600)
    hanging = session_of(stage, owing(stage, cancels=[Silence()]))
    late = running()
    past = fresh(late).created_at

    def has_ended() -> bool:
        if hanging.cancelled:  # only then
            Run.objects.filter(id=late.id).update(hard_deadline=past)
        return fresh(late).has_ended

    with override_settings(OBSERVER_SWEEP_S=1):
        asyncio.run(observe_until(has_ended))
    assert ending_of(late)["code"] == "run_timeout"


def test_a_try_that_was_broken_off_is_made_up_for_by_another_sweep(stage: Stage) -> None:
    run = owing(stage)
    (claimed,) = cleanup.claim_cleanups()  # by a process that dies now
    assert claimed == cleanup.DueCleanup(run.id, 1)
    assert swept() == {}
    make_cleanup_due(run)
    swept()
    assert (fresh(run).cleanup_status, fresh(run).cleanup_attempts) == ("done", 2)


def test_processes_that_die_over_it_again_and_again_use_up_the_tries(stage: Stage, caller: Client) -> None:
    run = owing(stage)
    for _ in range(cleanup.TRIES):
        make_cleanup_due(run)
        assert len(cleanup.claim_cleanups()) == 1
    make_cleanup_due(run)
    swept()
    assert shown(caller, run) == {"status": "failed", "errors": ["the last try was broken off"]}
    assert session_of(stage, run).cancelled == 0


def test_a_try_that_comes_back_late_changes_nothing(stage: Stage) -> None:
    run = owing(stage)
    (former,) = cleanup.claim_cleanups()
    make_cleanup_due(run)
    swept()
    asyncio.run(cleanup.clean_up(former, Puppet(cancels=[REFUSED])))  # type: ignore[arg-type]
    assert (fresh(run).cleanup_status, fresh(run).cleanup_errors) == ("done", [])


def test_one_sweep_takes_no_more_than_it_can_try_at_once(stage: Stage) -> None:
    few_are_expected()
    for _ in range(3):
        owing(stage)
    assert len(cleanup.claim_cleanups(2)) == 2
    assert len(cleanup.claim_cleanups()) == 1
    assert cleanup.AT_ONCE <= 200


def test_a_run_that_cannot_be_read_is_given_up_at_once_and_costs_the_others_nothing(stage: Stage) -> None:
    broken, other = owing(stage), owing(stage)
    Run.objects.filter(id=broken.id).update(request='{"from": "another world"}')
    assert swept() == {"clean-ups tried": 2}
    assert (fresh(broken).cleanup_status, fresh(broken).cleanup_errors) == ("failed", ["the run cannot be read"])
    assert fresh(other).cleanup_status == "done"


def test_secrets_in_the_words_of_a_runtime_are_masked_and_long_ones_cut(stage: Stage) -> None:
    run = owing(stage, cancels=[RuntimeRejected("Bearer abcdefghijklmnop \0" + "x" * 5_000)])
    swept()
    (error,) = fresh(run).cleanup_errors
    assert "abcdefghijklmnop" not in error
    assert len(error) <= cleanup.LONGEST_ERROR


# -- whose session it is


def test_a_session_that_the_runtime_refused_because_it_is_anothers_is_left_alone(stage: Stage, caller: Client) -> None:
    run = launched()
    stage.sessions[str(run.session_id)] = session = Puppet(
        starts=[answered(ok=False, code="SESSION_ALREADY_EXISTS", message="taken")],
        streams=[[OPENED, envelope("somebody-elses"), Silence()]],
    )
    asyncio.run(observe_until(ended(run.id)))
    assert ending_of(run)["code"] == "runtime_rejected"
    swept()
    assert session.cancelled == 0
    assert shown(caller, run) == {"status": "done", "errors": [cleanup.THEIRS]}


class OutOfTime(Puppet):
    """A session whose run may not be launched any more once its SessionStart was sent three times."""

    async def start(self, start: bytes) -> Sent:
        if len(self.started) == 2:
            await rows(make_due, column="admission_deadline")
        return await super().start(start)


def test_a_session_that_was_opened_before_the_repeats_of_its_start_were_refused_is_ours_to_cancel(
    stage: Stage, settings: Settings
) -> None:
    settings.STREAM_BACKOFF_BASE_MS = settings.STREAM_BACKOFF_MAX_MS = 10
    run = launched()
    stage.sessions[str(run.session_id)] = session = OutOfTime(
        starts=[RuntimeTimedOut("the answer is lost"), answered(ok=False, code="RATE_LIMITED", message="slow down")],
        streams=[[OPENED, own_start(run.id), Silence()]],
    )
    asyncio.run(observe_until(ended(run.id)))
    assert (ending_of(run)["code"], ending_of(run)["error"]["runtimeCode"]) == ("runtime_rejected", "RATE_LIMITED")
    swept()
    assert (session.cancelled, fresh(run).cleanup_status, fresh(run).cleanup_errors) == (1, "done", [])


@pytest.mark.parametrize("code", [EndingCode.RUNTIME_REJECTED, EndingCode.MODE_NOT_SUPPORTED])
def test_a_session_that_a_former_owner_opened_is_ours_to_cancel_though_the_next_one_was_refused(
    code: EndingCode, stage: Stage
) -> None:
    run = starting()
    stage.sessions[str(run.session_id)] = session = Puppet(streams=[[OPENED, own_start(run.id), Silence()]])
    settled(run, verdict(code, runtime_asked="refused"), session)
    assert fresh(run).cleanup_status == "pending"
    swept()
    assert (session.cancelled, fresh(run).cleanup_status) == (1, "done")
    assert_invariants()


def test_a_start_whose_fate_is_unknown_may_have_left_a_session_of_ours(stage: Stage) -> None:
    run = starting()
    stage.sessions[str(run.session_id)] = session = Puppet(states=[RuntimeUnavailable("nobody there")])
    settled(run, verdict(EndingCode.NEVER_STARTED), session)
    assert fresh(run).cleanup_status == "pending"


def unanswered(stage: Stage, *, first: Line, **more: object) -> tuple[Run, Puppet]:
    """A run that ended before its SessionStart was answered, and the session under its id, with its first word."""
    run = starting()
    nobody_says: list[Line] = [RuntimeUnavailable("nobody there"), session_now(SessionState.OPEN, count=0)]
    stage.sessions[str(run.session_id)] = session = Puppet(
        states=nobody_says,
        streams=[[OPENED, first, Silence()]],
        **more,  # type: ignore[arg-type]
    )
    settled(run, verdict(EndingCode.NEVER_STARTED), session)
    return fresh(run), session


def aside() -> Observation:
    """Something that is told beside the session."""
    return msgspec.structs.replace(envelope("beside", kind="Signal"), kind=ObservationKind.AMBIENT, source_id="amb:a:b")


def test_a_session_that_our_unanswered_start_has_opened_is_cancelled(stage: Stage) -> None:
    run, session = unanswered(stage, first=START)
    session.plays([OPENED, aside(), own_start(run.id), Silence()])
    assert swept() == {"clean-ups tried": 1}
    assert (session.cancelled, fresh(run).cleanup_status, fresh(run).cleanup_errors) == (1, "done", [])


def test_a_session_that_another_start_has_opened_under_our_id_is_left_alone(stage: Stage, caller: Client) -> None:
    run, session = unanswered(stage, first=START)  # by the same initiator
    swept()
    assert session.cancelled == 0
    assert shown(caller, run) == {"status": "done", "errors": [cleanup.THEIRS]}
    # It should be known for good.
    assert swept() == {}
    assert LateObservation.objects.filter(run_id=run.id).count() == 0
    assert_invariants()


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (RuntimeRejected("you may not read this session"), "you may not read this session"),
        (RuntimeUnavailable("nobody there"), "nobody there"),
        (KeyError("a defect of the adapter"), "internal error: KeyError"),
    ],
)
def test_a_session_of_which_nobody_can_say_whose_it_is_is_left_alone_and_asked_about_again(
    first: Line, words: str, stage: Stage, caller: Client
) -> None:
    run, session = unanswered(stage, first=first)
    swept()
    assert shown(caller, run) == {"status": "pending", "errors": [f"{cleanup.WHOSE}: {words}"]}
    for _ in range(cleanup.TRIES - 1):
        make_cleanup_due(run)
        swept()
    assert fresh(run).cleanup_status == "failed"
    assert session.cancelled == 0
    assert_invariants()


def test_a_session_that_does_not_say_whose_it_is_is_given_up_after_its_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "TRY_SECONDS", 0.05)
    run, session = unanswered(stage, first=Silence())
    swept()
    assert (fresh(run).cleanup_errors, session.cancelled) == ([f"{cleanup.WHOSE}: no answer within 0.05 s"], 0)


NOT_THERE = SessionNotFound("never heard of it")


def test_a_start_that_never_arrived_has_left_nothing_to_clean_up_once_it_cannot_arrive_any_more(
    stage: Stage, settings: Settings
) -> None:
    run, session = unanswered(stage, first=NOT_THERE)
    swept()
    assert (fresh(run).cleanup_status, fresh(run).cleanup_errors) == ("pending", [])
    # It should be looked for again when nobody waits for the answer any more.
    waits = fresh(run).cleanup_due_at - fresh(run).ended_at
    assert waits >= timedelta(milliseconds=settings.RUNTIME_REQUEST_TIMEOUT_MS)
    make_cleanup_due(run)
    swept()
    assert (fresh(run).cleanup_status, fresh(run).cleanup_errors, session.cancelled) == ("done", [], 0)
    assert_invariants()


def test_where_a_start_is_waited_for_longer_it_is_looked_for_longer(stage: Stage, settings: Settings) -> None:
    settings.RUNTIME_REQUEST_TIMEOUT_MS = 90_000
    run, _ = unanswered(stage, first=NOT_THERE)
    for status in ("pending", "pending", "done"):
        swept()
        assert fresh(run).cleanup_status == status
        make_cleanup_due(run)


def test_a_start_is_not_looked_for_without_end(stage: Stage, settings: Settings) -> None:
    settings.RUNTIME_REQUEST_TIMEOUT_MS = 24 * 3_600_000
    run, _ = unanswered(stage, first=NOT_THERE)
    for _ in range(cleanup.TRIES):
        swept()
        make_cleanup_due(run)
    assert (fresh(run).cleanup_status, fresh(run).cleanup_attempts) == ("done", cleanup.TRIES)


def test_a_run_that_was_never_started_leaves_no_session_whose_start_arrives_later(stage: Stage) -> None:
    run = starting()
    stage.sessions[str(run.session_id)] = session = Puppet(states=[NOT_THERE], streams=[[NOT_THERE]])
    make_due(run, column="admission_deadline")
    assert swept() == {"runs ended": 1, "clean-ups tried": 1}
    assert ending_of(run)["evidence"]["runtimeAsked"] == "SESSION_NOT_FOUND"
    session.plays([OPENED, own_start(run.id), Silence()])  # only now
    make_cleanup_due(run)
    swept()
    assert (session.cancelled, fresh(run).cleanup_status, fresh(run).cleanup_errors) == (1, "done", [])
    assert_invariants()


class Slow(Puppet):
    """A session that is opened by a SessionStart only when it is let."""

    def __init__(self) -> None:
        super().__init__(states=[NOT_THERE], streams=[[NOT_THERE]])
        self.let = asyncio.Event()

    async def start(self, start: bytes) -> Sent:
        answer = await super().start(start)
        await self.let.wait()
        return answer


def test_a_session_that_opens_after_its_run_was_cancelled_is_cancelled_too(stage: Stage, settings: Settings) -> None:
    settings.OBSERVER_SWEEP_S = 1
    run = launched()
    session = Slow()
    stage.sessions[str(run.session_id)] = session

    async def story() -> None:
        async with Beside():
            await becomes_true(lambda: rows(lambda: bool(session.started)))
            await rows(cancel, run.id)
            await becomes_true(lambda: rows(lambda: bool(session.subscribed)))  # by the first try
            session.plays([OPENED, own_start(run.id), Silence()])
            session.let.set()
            await rows(make_cleanup_due, run)
            await becomes_true(lambda: rows(lambda: fresh(run).cleanup_status == "done"))

    asyncio.run(story())
    assert (fresh(run).status, session.cancelled) == ("cancelled", 1)
    assert_invariants()


def test_an_agents_session_is_left_to_its_agent_unless_it_was_delegated(stage: Stage) -> None:
    theirs = owing(stage, bound(opener="agent"))
    ours = owing(stage, bound(opener="agent", session={"metadata": {"cancellationDelegated": True}}))
    assert (theirs.cleanup_status, ours.cleanup_status) == (None, "pending")


def test_a_delegated_session_that_was_never_seen_is_not_cancelled(stage: Stage) -> None:
    run = starting(opener="agent", session={"metadata": {"cancellationDelegated": True}})
    settled(run, verdict(EndingCode.NEVER_STARTED), Puppet(states=[SessionNotFound("never heard of it")]))
    assert fresh(run).cleanup_status is None


@pytest.mark.usefixtures("stage")
def test_a_run_of_an_agents_session_ends_even_if_nobody_can_read_what_was_asked_for() -> None:
    run = running(opener="agent")
    Run.objects.filter(id=run.id).update(request='{"from": "another world"}')
    make_due(run)
    assert swept() == {"runs ended": 1}
    assert (ending_of(run)["code"], fresh(run).cleanup_status) == ("internal_error", None)


# -- what it finds


def test_what_the_session_said_meanwhile_is_late_data_and_not_in_the_log_l04(stage: Stage, caller: Client) -> None:
    run = running()
    record(run.id, [START, envelope(1)], epoch=None)
    log = [OPENED, envelope(2), envelope(3), session_now(SessionState.CANCELLED, count=3), Silence()]
    states = [session_now(SessionState.OPEN, count=1), session_now(SessionState.CANCELLED, count=3)]
    run = owing(stage, run, states=states, streams=[log])
    before = types_of(run.id)
    swept()
    assert session_of(stage, run).subscribed == [2]
    late = LateObservation.objects.filter(run_id=run.id).order_by("source_id")
    assert [(one.source_id, one.reason) for one in late] == [("env:m-2", "after_ending"), ("env:m-3", "after_ending")]
    assert (types_of(run.id), fresh(run).late_count) == (before, 2)
    assert_invariants()


def test_a_stream_that_never_ends_does_not_hold_up_the_clean_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "TRY_SECONDS", 0.2)
    run = owing(stage, states=[session_now(SessionState.OPEN, count=9)], streams=[[OPENED, envelope(1), Silence()]])
    swept()
    assert fresh(run).cleanup_status == "done"


@pytest.mark.parametrize("broken", [RuntimeUnavailable("cut"), ValueError("a defect of the adapter")])
def test_late_data_that_cannot_be_read_does_not_spoil_the_clean_up(broken: BaseException, stage: Stage) -> None:
    run = owing(stage, states=[session_now(SessionState.OPEN, count=9)], streams=[[OPENED, START, envelope(1), broken]])
    swept()
    assert fresh(run).cleanup_status == "done"
    assert LateObservation.objects.filter(run_id=run.id).count() == 2


def test_every_handle_on_a_session_is_closed_again_c19(stage: Stage) -> None:
    run = owing(stage)
    swept()
    assert session_of(stage, run).handles == 0
    assert orjson.loads(fresh(run).ending or "{}")["code"] == "run_timeout"


class Unwilling(Puppet):
    """A session that opens and then refuses whatever is said in it."""

    async def send(self, message: bytes) -> Sent:
        return REFUSED


def test_a_failure_after_the_session_was_opened_closes_its_stream_and_cancels_it_c19(stage: Stage) -> None:
    greeting = {"from": "lead", "to": ["alice"], "kind": "request", "messageType": "Note", "payload": {"text": "go"}}
    run = launched(kickoff=[greeting])
    stage.sessions[str(run.session_id)] = session = Unwilling()
    # While its observer goes on with other runs: what ends with the observer would not show it.
    asyncio.run(observe_until(lambda: fresh(run).has_ended and session.handles == 0))
    swept()

    assert (ending_of(run)["code"], session.started != []) == ("kickoff_failed", True)
    assert (session.cancelled, fresh(run).cleanup_status, session.handles) == (1, "done", 0)
