"""The sweep: what is due is done, by as many as there are, and one row that cannot be swept stops nobody."""

import asyncio
import logging
from collections import Counter

import pytest
from django.db import DatabaseError, connection
from django.db import OperationalError as DatabaseAway
from pytest_django.fixtures import Settings

from runs.domain.events import SessionState
from runs.domain.lifecycle import RunStatus
from runs.ending import Questions
from runs.errors import RuntimeUnavailable, SessionNotFound
from runs.models import Observer, Run
from runs.observer import lease, supervisor
from runs.observer.due import BATCH, DueRun, claim_due_runs
from runs.observer.sweep import FAILED, Sweep
from runs.recorder import record
from runs.runtimes.registry import Runtimes
from tests.cast import envelope, fresh, session_now
from tests.crowd import crowd_of
from tests.invariants import assert_invariants
from tests.played import OPENED, Silence
from tests.puppet import Puppet, Stage
from tests.settling import ending_of
from tests.sweeping import few_are_expected, make_due, swept
from tests.underway import bound, launched, own_start, running, starting

pytestmark = pytest.mark.django_db(transaction=True)


def progress(run: Run) -> Run:
    Run.objects.filter(id=run.id).update(progress_timeout_ms=60_000)
    return fresh(run)


# -- deadlines


def test_each_deadline_ends_a_run_by_its_own_name(stage: Stage) -> None:
    runs = {"admission": starting(), "progress": progress(running()), "hard": running()}
    started = runs["admission"]
    stage.sessions[str(started.session_id)] = Puppet(streams=[[OPENED, own_start(started.id), Silence()]])
    for clock, run in runs.items():
        make_due(run, column=f"{clock}_deadline")
    assert swept() == Counter({"runs ended": 3, "clean-ups tried": 3})
    codes = {clock: ending_of(run)["code"] for clock, run in runs.items()}
    assert codes == {"admission": "never_started", "progress": "progress_timeout", "hard": "run_timeout"}
    assert {ending_of(run)["decidedBy"] for run in runs.values()} == {"sweeper"}
    assert_invariants()


def test_a_queued_run_that_waited_too_long_was_never_started_l08(stage: Stage) -> None:
    run = launched(execution={"timeouts": {"progressMs": 1}})
    # It should not be the progress of a run that nobody has started that ends it, however long it waits.
    assert swept() == Counter()
    make_due(run, column="admission_deadline")
    swept()
    assert ending_of(run)["code"] == "never_started"
    assert ending_of(run)["error"]["message"] == "the run was not started before its admission deadline"
    assert_invariants()


def test_a_slow_session_is_left_alone_until_its_own_deadline_l06_a13(stage: Stage) -> None:
    quiet, watched, suspended = running(), progress(running()), progress(running())
    record(suspended.id, [session_now(SessionState.SUSPENDED)], epoch=None)
    make_due(suspended, column="progress_deadline")
    assert swept() == Counter()
    assert {fresh(run).ending for run in (quiet, watched, suspended)} == {None}
    assert {stage.session(str(run.session_id)).asked for run in (quiet, watched, suspended)} == {0}


def test_a_wedged_session_ends_although_its_observer_beats_l07(stage: Stage) -> None:
    run = progress(running())
    observer = Observer.objects.get(id=run.observer_id).id
    make_due(run, column="progress_deadline")
    assert lease.beat(observer)
    swept()
    ending = ending_of(run)
    assert (ending["code"], ending["evidence"]["observer"]) == ("progress_timeout", str(observer))


@pytest.mark.parametrize("status", ["starting", "binding_session", "running"])
def test_a_runtime_that_accepts_and_stays_silent_keeps_no_run_open_c05(
    status: str, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runs.ending.asking.ASK_SECONDS", 0.05)
    monkeypatch.setattr("runs.ending.cleanup.TRY_SECONDS", 0.05)
    run = {"starting": starting, "binding_session": bound, "running": running}[status]()
    stage.sessions[str(run.session_id)] = Puppet(states=[Silence()], cancels=[Silence()])
    make_due(run, column="admission_deadline" if status == "starting" else "hard_deadline")
    swept()
    assert (fresh(run).has_ended, ending_of(run)["evidence"]["runtimeAsked"]) == (True, "no_answer")
    assert_invariants()


def test_a_run_that_moved_after_it_was_claimed_goes_on_and_is_looked_at_again_at_once(stage: Stage) -> None:
    run = progress(running())
    make_due(run, column="progress_deadline")

    class Speaking(Puppet):
        async def snapshot(self) -> object:  # type: ignore[override]
            await asyncio.to_thread(record, run.id, [envelope(1)], epoch=None)
            return await super().snapshot()

    stage.sessions[str(run.session_id)] = Speaking()
    assert swept() == Counter({"due runs not_due": 1})
    assert (fresh(run).status, fresh(run).sweep_claimed_until) == (RunStatus.RUNNING, None)
    assert_invariants()


def test_a_suspended_session_is_no_ending(stage: Stage) -> None:
    run = progress(running())
    stage.sessions[str(run.session_id)] = Puppet(states=[session_now(SessionState.SUSPENDED, count=0)])
    make_due(run, column="progress_deadline")
    assert swept() == Counter({"due runs suspended": 1})
    assert fresh(run).status == "suspended"
    # It should not be due any more, its progress clock standing still in the past.
    Run.objects.update(sweep_claimed_until=None)
    assert swept() == Counter()
    assert_invariants()


# -- claiming


def test_a_due_run_is_one_sweeps_alone_for_a_while(stage: Stage) -> None:
    runs = [running() for _ in range(3)]
    make_due()
    first, second = claim_due_runs(2), claim_due_runs()
    assert (len(first), len(second), claim_due_runs()) == (2, 1, [])
    assert {one.run_id for one in first + second} == {run.id for run in runs}
    # It should be anybody's again once its sweep has had its time.
    with connection.cursor() as cursor:
        cursor.execute("UPDATE runs_run SET sweep_claimed_until = clock_timestamp() - interval '1 ms'")
    assert len(claim_due_runs()) == 3


def test_a_claim_keeps_its_limit_also_where_fewer_runs_are_expected_than_there_are(stage: Stage) -> None:
    few_are_expected()
    for _ in range(3):
        running()
    make_due()

    assert [len(claim_due_runs(2)) for _ in range(3)] == [2, 1, 0]


def test_a_batch_has_a_limit_and_what_is_left_is_due_at_once(stage: Stage) -> None:
    crowd_of(running(), 2 * BATCH)
    make_due()

    async def batch_by_batch() -> list[tuple[int, bool]]:
        sweep = Sweep(Runtimes(), Questions())
        return [((await sweep.obligations())["runs ended"], sweep.is_behind) for _ in range(3)]

    assert BATCH <= 200
    assert asyncio.run(batch_by_batch()) == [(BATCH, True), (BATCH, True), (1, False)]
    assert_invariants()


def test_the_deadline_is_looked_at_again_under_the_lock(stage: Stage) -> None:
    run = progress(running())
    due = DueRun(run.id, "progress")

    class Writer:
        def __init__(self) -> None:
            self.run = fresh(run)

        def clock(self) -> object:
            return self.run.progress_deadline

    writer = Writer()
    writer.run.progress_deadline = run.hard_deadline
    assert due.still(writer)  # type: ignore[arg-type]
    writer.run.status = RunStatus.SUSPENDED
    assert not due.still(writer)  # type: ignore[arg-type]
    writer.run.status, writer.run.hard_deadline = RunStatus.RUNNING, None
    assert not DueRun(run.id, "hard").still(writer)  # type: ignore[arg-type]


# -- what cannot be swept


def test_one_run_that_cannot_be_read_stops_nobody_and_ends(stage: Stage) -> None:
    broken, other = running(), running()
    Run.objects.filter(id=broken.id).update(request='{"from": "another world"}')
    make_due()
    assert swept()["runs ended"] == 2
    assert (ending_of(broken)["code"], ending_of(other)["code"]) == ("internal_error", "run_timeout")
    assert ending_of(broken)["error"]["message"] == "the run cannot be read"
    assert_invariants()


def test_one_run_that_cannot_be_written_stops_nobody_and_is_tried_again(stage: Stage) -> None:
    broken, other = running(), running()
    projection = fresh(broken).projection
    type(projection).objects.filter(id=projection.id).delete()
    make_due()
    assert swept() == Counter({"runs ended": 1, "clean-ups tried": 1, FAILED: 1})
    assert (fresh(broken).ending, ending_of(other)["code"]) == (None, "run_timeout")

    projection.save(force_insert=True)
    make_due(broken)
    assert swept()["runs ended"] == 1
    assert_invariants()


@pytest.mark.parametrize("fault", [DatabaseAway("away"), DatabaseError("refused"), KeyError("a defect")])
@pytest.mark.parametrize("step", ["declare_losses", "claim_due_runs", "claim_cleanups"])
def test_a_step_that_fails_stops_no_other_step_and_is_told(
    step: str, fault: Exception, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, run, open_still = lease.register(), running(), running()
    make_due(open_still)
    swept_before = swept()
    assert swept_before["clean-ups tried"] == 1
    Run.objects.filter(id=open_still.id).update(cleanup_status="pending", cleanup_due_at=run.created_at)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE runs_observer SET beat_at = clock_timestamp() - interval '1 hour' WHERE id = %s", [dead])
    make_due(run)

    def failing(*_: object) -> None:
        raise fault

    monkeypatch.setattr(f"runs.observer.{'lease' if step == 'declare_losses' else 'sweep'}.{step}", failing)
    done = swept()
    everything = {"observers declared lost", "runs ended", "clean-ups tried"}
    of_step = {"declare_losses": "observers declared lost", "claim_due_runs": "runs ended"}
    assert done[FAILED] == 1
    assert set(done) - {FAILED} == everything - {of_step.get(step, "clean-ups tried")}


def test_what_a_sweep_has_done_is_in_the_log(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    running()
    make_due()
    with caplog.at_level(logging.INFO, "signalbox.sweep"):
        swept()
    assert "swept: 1 runs ended" in caplog.messages


# -- how often


def test_observers_sweep_out_of_step(settings: Settings) -> None:
    settings.OBSERVER_SWEEP_S = 5
    pauses = [supervisor._until_the_next_sweep() for _ in range(200)]
    assert all(4.0 <= pause <= 6.0 for pause in pauses)
    assert max(pauses) - min(pauses) > 1.0


def test_one_process_may_sweep_twice_at_once(stage: Stage) -> None:
    runs = [running() for _ in range(8)]
    for run in runs[:4]:
        stage.sessions[str(run.session_id)] = Puppet(states=[SessionNotFound("gone")])
    stage.sessions[str(runs[4].session_id)] = Puppet(states=[RuntimeUnavailable("nobody there")])
    make_due()

    async def twice() -> Counter[str]:
        runtimes = Runtimes()
        sweep = Sweep(runtimes, Questions())
        first, second = await asyncio.gather(sweep.once(), sweep.once())
        return first + second

    assert asyncio.run(twice())["runs ended"] == 8
    assert {stage.session(str(run.session_id)).handles for run in runs} == {0}
    assert_invariants()
