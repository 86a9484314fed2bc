"""Leases: one beat row a process, one owner a run, an epoch that grows with every owner; only the database's clock counts."""

import threading
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections, transaction
from pytest_django.fixtures import Settings

from runs.domain.events import Observation, ObservationKind, SessionState, StreamStatus
from runs.errors import Fenced
from runs.models import Observer, Run
from runs.observer import lease
from runs.recorder import record
from tests.cast import envelope, fresh, session_now
from tests.sweeping import swept
from tests.underway import launched, running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stage")]


def age(observer: UUID, seconds: float) -> None:
    """The observer's last beat was so long ago."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE runs_observer SET beat_at = clock_timestamp() - make_interval(secs => %s) WHERE id = %s",
            [seconds, observer],
        )


def dead() -> UUID:
    """An observer that was declared lost."""
    observer = lease.register()
    Observer.objects.filter(id=observer).update(lost_at="2026-01-01T00:00:00Z")
    return observer


def owned_by_the_dead(run: Run) -> Run:
    Run.objects.filter(id=run.id).update(observer_id=dead())
    return fresh(run)


# -- beats and losses


def test_an_observer_is_lost_once_its_beat_is_older_than_the_lease(settings: Settings) -> None:
    settings.OBSERVER_LEASE_S = 30
    late, in_time = lease.register(), lease.register()
    age(late, 31)
    age(in_time, 28)
    assert lease.declare_losses() == 1
    assert [Observer.objects.get(id=one).lost_at is None for one in (late, in_time)] == [False, True]
    assert lease.declare_losses() == 0


def test_a_late_beat_does_not_bring_an_observer_back() -> None:
    observer = lease.register()
    assert lease.beat(observer)
    age(observer, 3_600)
    lease.declare_losses()
    before = Observer.objects.get(id=observer)
    assert not lease.beat(observer)
    assert Observer.objects.get(id=observer).beat_at == before.beat_at
    assert not lease.beat(uuid4())


def test_a_lost_observer_claims_nothing() -> None:
    launched()
    assert lease.claim(dead(), 10) == []
    assert lease.claim(uuid4(), 10) == []


def test_every_start_of_a_process_is_another_observer() -> None:
    first, second = lease.register(), lease.register()
    assert first != second
    assert Observer.objects.filter(id__in=[first, second], lost_at=None).count() == 2


# -- claims


def test_each_owner_raises_the_epoch_by_one_and_fences_the_former_i6() -> None:
    run = launched()
    for epoch in (1, 2, 3):
        observer = lease.register()
        assert lease.claim(observer, 1) == [lease.Lease(run.id, epoch)]
        assert fresh(run).observer_id == observer
        record(run.id, [envelope(epoch)], epoch=epoch)
        with pytest.raises(Fenced):
            record(run.id, [envelope("late")], epoch=epoch - 1)
        lease.hand_back(observer)


def test_a_run_of_a_living_owner_is_nobody_elses() -> None:
    run = launched()
    owner = lease.register()
    lease.claim(owner, 1)
    assert lease.claim(lease.register(), 10) == []
    assert lease.owned_by(owner) == [lease.Lease(run.id, 1)]


def test_runs_are_taken_oldest_first_and_never_more_than_there_is_room_for() -> None:
    runs = [launched() for _ in range(3)]
    observer = lease.register()
    assert {one.run_id for one in lease.claim(observer, 2)} == {run.id for run in runs[:2]}
    assert [one.run_id for one in lease.claim(observer, 2)] == [runs[2].id]


def test_a_run_that_somebody_is_writing_to_is_passed_over_and_holds_up_nobody() -> None:
    locked, free = launched(), launched()
    is_locked, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Run.objects.lock(locked.id, epoch=None)
            is_locked.set()
            may_go.wait(20)
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert is_locked.wait(20)
        observer = lease.register()
        assert [one.run_id for one in lease.claim(observer, 10)] == [free.id]
    finally:
        may_go.set()
        holder.join(20)
    assert [one.run_id for one in lease.claim(observer, 10)] == [locked.id]


def test_a_run_that_has_ended_is_claimed_by_nobody() -> None:
    run = running()
    Run.objects.filter(id=run.id).update(observer_id=None, hard_deadline=run.created_at)
    swept()
    assert lease.claim(lease.register(), 10) == []


# -- attempts


def test_only_a_run_taken_from_a_dead_observer_counts_an_attempt() -> None:
    orphan, handed_back, waiting = owned_by_the_dead(running()), running(), launched()
    assert handed_back.observer_id is not None
    lease.hand_back(handed_back.observer_id)
    lease.claim(lease.register(), 10)
    attempts = [fresh(run).recovery_attempts for run in (orphan, handed_back, waiting)]
    assert attempts == [1, 0, 0]


@pytest.mark.parametrize(
    ("said", "attempts"),
    [
        (envelope(1), 0),
        (Observation(kind=ObservationKind.STREAM_STATUS, body=StreamStatus(status="opened")), 3),
        (session_now(SessionState.OPEN, count=3), 3),
    ],
)
def test_attempts_are_forgotten_once_the_session_says_something(said: Observation, attempts: int) -> None:
    run = running()
    Run.objects.update(recovery_attempts=3)
    record(run.id, [said], epoch=None)
    assert fresh(run).recovery_attempts == attempts


def test_attempts_are_forgotten_only_by_the_present_owner_and_only_while_the_run_is_open() -> None:
    run = running()
    Run.objects.update(recovery_attempts=3)
    lease.forgive(run.id, run.lease_epoch - 1)
    assert fresh(run).recovery_attempts == 3
    lease.forgive(run.id, run.lease_epoch)
    assert fresh(run).recovery_attempts == 0


def test_without_recovery_an_observer_takes_only_what_nobody_has_started(settings: Settings) -> None:
    settings.RUN_RECOVERY_ENABLED = False
    orphan, waiting, waiting_of_the_dead = owned_by_the_dead(running()), launched(), owned_by_the_dead(launched())
    claimed = {one.run_id for one in lease.claim(lease.register(), 10)}
    assert claimed == {waiting.id, waiting_of_the_dead.id}
    assert fresh(orphan).lease_epoch == orphan.lease_epoch


# -- hand-back


def test_a_hand_back_frees_every_run_and_the_observer_is_gone() -> None:
    mine, other = [running() for _ in range(2)], running()
    observer = lease.register()
    Run.objects.filter(id__in=[run.id for run in mine]).update(observer_id=observer)
    assert lease.hand_back(observer) == 2
    assert {fresh(run).observer_id for run in mine} == {None}
    assert fresh(other).observer_id == other.observer_id
    assert Observer.objects.get(id=observer).lost_at is not None
    assert not lease.beat(observer)
