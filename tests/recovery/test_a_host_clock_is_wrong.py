"""F07: the clock of one observer's host is ten minutes wrong, or jumps: the database's decides, and the monotonic one."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.conf import settings

from runs.audit import Actor
from runs.domain.endings import DecidedBy
from runs.models import Event, Observer, Run
from runs.models.project import DEFAULT_PROJECT_ID
from runs.operations.cancel import cancel_run
from tests.faults.host import EXIT_LOST_LEASE, LEASE_S, SWEEP_S, TAKEN_WITHIN_S, ObserverHost, at_runtime
from tests.faults.host_clock import HostClock, off_by_s
from tests.faults.postgres_proxy import PostgresProxy
from tests.invariants import assert_invariants
from tests.recovery.scene import (
    database_time,
    ended,
    ending_of,
    epochs,
    has_read,
    launch,
    load,
    run_of,
    seconds_until_owned,
    stand_in,
    wait_until,
)
from tests.service import database_url

pytestmark = [pytest.mark.slow, pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

TEN_MINUTES_S = 600
PROGRESS_MS = 2_000
# Nobody starts these observers again: one that could not beat for two seconds would end itself, and nobody take the runs.
LONGER_LEASE_S = 9
RATE = 50
ENDLESS: dict[str, object] = {"scenario": "load", "events": 100_000, "ratePerSecond": 5}

ten_minutes_wrong = pytest.mark.parametrize(
    "wrong_by_s", [pytest.param(TEN_MINUTES_S, id="ahead"), pytest.param(-TEN_MINUTES_S, id="behind")]
)


def assert_written_by(run: Run, wrong_by_s: float, *, epoch: int, since: datetime) -> None:
    """A host so wrong wrote under this epoch, and every event bears the database's time, none before the one before it."""
    events = list(Event.objects.filter(run_id=run.id).order_by("seq"))
    # It should have been as wrong as it was meant to be, else nothing is shown.
    assert {round(off_by_s(event), -1) for event in events if event.lease_epoch == epoch} == {wrong_by_s}
    times = [since, *(event.ts for event in events), database_time()]
    assert times == sorted(times)


@ten_minutes_wrong
def test_f07_an_observer_with_a_wrong_clock_takes_runs_from_the_dead_alone_and_is_not_taken_for_dead(
    wrong_by_s: float,
) -> None:
    began = database_time()
    with stand_in() as runtime, HostClock(wrong_by_s) as clock:
        environment = at_runtime(runtime.address, OBSERVER_BEAT_S="2", OBSERVER_LEASE_S=str(LONGER_LEASE_S))
        with ObserverHost({**environment, "OBSERVER_MAX_RUNS": "2"}) as right:
            of_the_right = [launch(), launch("scripted", options=ENDLESS)]
            wait_until(lambda: Run.objects.filter(observer_id=right.id, status="running").count() == 2)
            with ObserverHost(environment, clock=clock) as wrong:
                of_the_wrong = launch()
                wait_until(lambda: run_of(of_the_wrong).status == "running")
                two_sweeps_after_a_lease = database_time() + timedelta(seconds=LONGER_LEASE_S + 2 * SWEEP_S)
                wait_until(lambda: database_time() > two_sweeps_after_a_lease)
                assert Observer.objects.filter(lost_at=None).count() == 2
                for run_id, owner in [*((one, right) for one in of_the_right), (of_the_wrong, wrong)]:
                    assert (run_of(run_id).observer_id, run_of(run_id).lease_epoch) == (owner.id, 1)

                right.kill()
                killed_at = database_time()
                for run_id in of_the_right:
                    assert seconds_until_owned(run_id, 2, killed_at) < TAKEN_WITHIN_S + LONGER_LEASE_S - LEASE_S
                    wait_until(lambda run_id=run_id: 2 in epochs(run_id))  # type: ignore[misc]
                runs = [cancelled(run_id) for run_id in (of_the_wrong, *of_the_right)]
    lost = Observer.objects.get(id=right.id)
    assert lost.lost_at is not None
    assert lost.lost_at - lost.beat_at > timedelta(seconds=LONGER_LEASE_S)
    for run, epoch in zip(runs, (1, 2, 2), strict=True):
        assert (run.status, run.observer_id, run.lease_epoch) == ("cancelled", wrong.id, epoch)
        assert_written_by(run, wrong_by_s, epoch=epoch, since=began)
    assert_invariants()


def cancelled(run_id: UUID) -> Run:
    """The run, once its owner has ended it because somebody wanted that."""
    staff = Actor(name="test", kind="api_key")
    cancel_run(
        project_id=DEFAULT_PROJECT_ID,
        run_id=run_id,
        reason=None,
        actor=staff,
        through=DecidedBy.API,
        request_id=None,
    )
    return run_of(run_id)


@ten_minutes_wrong
def test_f07_the_runs_of_a_host_with_a_wrong_clock_end_at_their_deadlines_by_the_databases_clock(
    wrong_by_s: float,
) -> None:
    began = database_time()
    too_late = launch(execution={"timeouts": {"admissionMs": 1_000}})
    wait_until(lambda: database_time() > (run_of(too_late).admission_deadline or began))
    with stand_in() as runtime, HostClock(wrong_by_s) as clock:
        silent = launch(execution={"timeouts": {"progressMs": PROGRESS_MS}})
        with ObserverHost(at_runtime(runtime.address), clock=clock):
            run, never_started = ended(silent), ended(too_late)
        assert len(runtime.states()) == 1
    assert ending_of(never_started)["code"] == "never_started"
    assert run.observer_id is not None
    assert (ending_of(run)["code"], run.lease_epoch) == ("progress_timeout", 1)
    assert_written_by(run, wrong_by_s, epoch=1, since=began)

    # It should have set each clock from the time of an event, and let it run out.
    bound = Event.objects.get(run_id=run.id, type="session.bound")
    assert run.progress_deadline is not None
    assert run.ended_at is not None
    heard = Event.objects.filter(run_id=run.id, seq__gte=bound.seq).values_list("ts", flat=True)
    assert run.progress_deadline - timedelta(milliseconds=PROGRESS_MS) in heard
    assert run.hard_deadline == bound.ts + timedelta(milliseconds=600_000 + settings.RUN_HARD_GRACE_MS)
    assert run.ended_at >= run.progress_deadline
    assert_invariants()


def test_f07_a_clock_that_jumps_neither_ends_an_observer_nor_keeps_one_that_has_lost_its_lease() -> None:
    began = database_time()
    with (
        stand_in(*load(100_000, rate=RATE)) as runtime,
        HostClock() as clock,
        PostgresProxy(database_url()) as proxy,
        ObserverHost(at_runtime(runtime.address), database=proxy.url(), clock=clock) as host,
    ):
        run_id = launch()
        for jump_s in (0, TEN_MINUTES_S, -TEN_MINUTES_S):
            clock.set(jump_s)
            read = run_of(run_id).session.cursor
            wait_until(has_read(run_id, read + RATE * (LEASE_S + SWEEP_S)))
        observer = Observer.objects.get(id=host.id)
        assert (observer.lost_at, run_of(run_id).lease_epoch) == (None, 1)

        # It should count what it may live without the database by a clock that nobody sets.
        clock.set(-2 * TEN_MINUTES_S)
        proxy.black_hole()
        assert host.ended(within_s=30) == EXIT_LOST_LEASE
        proxy.pass_through()
    assert host.said("has not renewed its lease for")
    events = list(Event.objects.filter(run_id=run_id).order_by("seq"))
    seen = {round(off_by_s(event), -1) for event in events}
    assert seen >= {0, TEN_MINUTES_S, -TEN_MINUTES_S}
    times = [began, *(event.ts for event in events), database_time()]
    assert times == sorted(times)
    assert_invariants()
