"""The net below the observers: a schedule of the queue, made by migration, that sweeps when nobody else is left."""

import importlib
from datetime import datetime, timedelta

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.test import Client
from django_q.brokers import get_broker
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler

from config.schedules import bring_up_to_now
from runs import tasks
from runs.models import Observer, Run
from runs.observer import lease
from tests.beside import environment_of
from tests.cast import fresh
from tests.faults.queue_host import the_queue
from tests.invariants import assert_invariants
from tests.processes import wait_until
from tests.settling import ending_of
from tests.sweeping import make_due
from tests.underway import launched, running

pytestmark = pytest.mark.django_db(transaction=True)

MIGRATION = "0004_safety_net"
SCHEDULED = {"runtime": {"kind": "scripted"}}
# The queue looks for due schedules every half minute.
PATIENCE_SECONDS = 90


def the_schedule() -> Schedule:
    """As the migration makes it, and no other; tests that empty every table take it away."""
    Schedule.objects.exclude(name="safety net").delete()
    importlib.import_module(f"runs.migrations.{MIGRATION}").spread(apps, None)
    return Schedule.objects.get()


def all_observers_die() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE runs_observer SET beat_at = clock_timestamp() - interval '1 hour'")


@pytest.mark.slow
def test_with_all_observers_dead_the_queue_alone_ends_what_is_past_its_deadlines_and_leaves_the_rest() -> None:
    late, never_started = running(**SCHEDULED), launched(**SCHEDULED)
    healthy, waiting = running(**SCHEDULED), launched(**SCHEDULED)
    make_due(late)
    make_due(never_started, column="admission_deadline")
    all_observers_die()
    schedule = the_schedule()
    due = schedule.next_run - timedelta(hours=1)
    Schedule.objects.update(next_run=due)
    with the_queue():
        wait_until(
            lambda: Run.objects.filter(ending_seq=None).count() == 2,
            within_s=PATIENCE_SECONDS,
            what="the ending of both",
        )
    ends = {run.id: ending_of(run) for run in (late, never_started)}
    assert (ends[late.id]["code"], ends[never_started.id]["code"]) == ("run_timeout", "never_started")
    assert {ending["decidedBy"] for ending in ends.values()} == {"sweeper"}
    # The same function has asked the runtime.
    assert ends[late.id]["evidence"]["runtimeAsked"] == "SESSION_STATE_OPEN"

    # It should have taken no lease, and the dead should be known for dead.
    assert not Observer.objects.filter(lost_at=None).exists()
    assert (fresh(waiting).observer_id, fresh(waiting).status, fresh(waiting).lease_epoch) == (None, "queued", 0)
    assert (fresh(healthy).status, fresh(healthy).lease_epoch) == ("running", healthy.lease_epoch)
    claimed = lease.claim(lease.register(), 10)
    assert {one.run_id for one in claimed} == {healthy.id, waiting.id}
    # It should be due again in a minute.
    assert Schedule.objects.get().next_run - due > timedelta(hours=1)
    assert_invariants()


TEN_YEARS = timedelta(days=3652)
MOST_STEPS = 10


def long_due(**changes: object) -> datetime:
    """The time of the test; the schedule was due ten years before it."""
    now = the_schedule().next_run
    Schedule.objects.update(next_run=now - TEN_YEARS, **changes)
    return now


def test_a_schedule_that_was_due_ten_years_ago_is_run_once_and_not_stepped_minute_by_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, step, steps = long_due(), Schedule.calculate_next_run, 0

    def counted(schedule: Schedule, next_run: datetime | None = None) -> datetime:
        nonlocal steps
        steps += 1
        assert steps <= MOST_STEPS, "stepped all the way"
        return step(schedule, next_run)

    monkeypatch.setattr(Schedule, "calculate_next_run", counted)
    assert bring_up_to_now() == 1
    assert bring_up_to_now() == 1  # it is due, and stays so until the queue has run it
    scheduler(get_broker())
    assert (OrmQ.objects.count(), steps) == (1, 1)
    assert Schedule.objects.get().next_run > now
    assert bring_up_to_now() == 0


def test_the_queue_brings_its_schedules_up_to_now_before_it_starts() -> None:
    now = long_due(repeats=0)  # the queue itself leaves such a one as it is
    with the_queue():
        assert Schedule.objects.get().next_run >= now


def test_a_daily_schedule_keeps_its_time_of_day() -> None:
    long_due(schedule_type=Schedule.DAILY)
    assert bring_up_to_now() == 0


def test_the_schedule_is_made_by_a_migration_once_and_sweeps_every_minute() -> None:
    assert ("runs", MIGRATION) in MigrationLoader(connection).applied_migrations
    first = the_schedule()
    assert the_schedule().pk == first.pk
    assert (first.name, first.func, first.schedule_type, first.minutes) == (
        *("safety net", "runs.tasks.cast_the_net"),
        *(Schedule.MINUTES, 1),
    )
    assert first.repeats == -1  # for ever


def test_a_schedule_that_was_changed_by_hand_is_left_as_it_is() -> None:
    the_schedule()
    Schedule.objects.update(minutes=5)
    assert the_schedule().minutes == 5


def test_staff_see_the_schedule_in_the_admin() -> None:
    the_schedule()
    client = Client()
    client.force_login(User.objects.create_superuser("ops"))
    page = client.get("/admin/django_q/schedule/")
    assert page.status_code == 200
    assert b"safety net" in page.content


def test_the_task_says_what_its_sweep_has_done(monkeypatch: pytest.MonkeyPatch) -> None:
    make_due(running(**SCHEDULED))
    for name, value in environment_of().items():
        monkeypatch.setenv(name, value)
    assert tasks.cast_the_net().endswith("clean-ups tried: 1, runs ended: 1")
    assert tasks.cast_the_net().endswith("nothing was due")


def test_a_sweep_that_fails_fails_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment_of({"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Exception, match="returned non-zero exit status 1"):
        tasks.cast_the_net()
    assert tasks.NET_SECONDS < 45
