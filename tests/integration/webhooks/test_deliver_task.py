"""The queue's task: one drain at a time, no kick lost, and a next one while anything is due."""

import importlib
from datetime import datetime
from uuid import UUID

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django_q.models import OrmQ, Schedule
from pytest_django.fixtures import Settings

from runs.models import OutboxEntry
from runs.models.identity import uuid7
from tests.cast import queued_run
from tests.deliveries import NOON, Postman, SteppedClock, fresh, listening, seconds, statuses, waiting
from webhooks import dispatcher, tasks
from webhooks.clock import database_clock
from webhooks.models import DrainSlot
from webhooks.parcel import Parcel
from webhooks.result import Result
from webhooks.tasks import HOLD, Slot

pytestmark = pytest.mark.django_db(transaction=True)

MIGRATION = "0002_drain"
HOLD_S = HOLD.total_seconds()


@pytest.fixture(autouse=True)
def kicks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the queue was asked for."""
    asked: list[str] = []
    monkeypatch.setattr(tasks, "async_task", asked.append)
    return asked


@pytest.fixture
def postman(monkeypatch: pytest.MonkeyPatch) -> Postman:
    """Whoever sends, for the task."""
    postman = Postman()
    sends_with(postman, monkeypatch)
    return postman


def sends_with(send: dispatcher.Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(dispatcher.drain.__kwdefaults__ or {}, "send", send)
    monkeypatch.setitem(dispatcher.drain.__kwdefaults__ or {}, "fan_out_some", lambda: 0)


def test_a_task_sends_what_is_due_and_says_so(postman: Postman, kicks: list[str]) -> None:
    waiting(listening(), 3, due_at=database_clock())
    assert tasks.deliver() == "fanned out: 0, sent: 3, failed: 0, faults: 0"
    assert (statuses(), kicks) == ({"delivered": 3}, [])
    assert tasks.deliver() == "fanned out: 0, sent: 0, failed: 0, faults: 0"


def test_a_task_that_finds_no_free_slot_ends_at_once(postman: Postman, kicks: list[str]) -> None:
    waiting(listening(), due_at=database_clock())
    assert Slot(database_clock).take()
    assert tasks.deliver() == "another drain is at it"
    assert (postman.sent, kicks) == ([], [])


def test_while_something_is_due_within_a_minute_the_next_task_follows(
    postman: Postman, kicks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "DRAIN_S", 0.5)
    waiting(listening(), due_at=database_clock() + seconds(50))
    tasks.deliver()
    assert kicks == ["webhooks.tasks.deliver"]
    # It should have given its slot back: the next one finds it.
    assert Slot(database_clock).take()


def test_what_is_due_later_is_left_to_the_schedule(postman: Postman, kicks: list[str]) -> None:
    waiting(listening(), due_at=database_clock() + seconds(70))
    tasks.deliver()
    assert kicks == []


def test_a_kick_that_came_before_the_slot_was_free_is_not_lost(
    kicks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run tells something after the last look of the drain, and its kick finds the slot taken."""
    give_back = Slot.give_back

    def meanwhile(slot: Slot) -> None:
        if not OutboxEntry.objects.exists():
            queued_run()
            assert tasks.deliver() == "another drain is at it"
        give_back(slot)

    sends_with(Postman(), monkeypatch)
    monkeypatch.setattr(Slot, "give_back", meanwhile)
    tasks.deliver()
    assert kicks == ["webhooks.tasks.deliver"]


def test_the_slot_is_free_while_the_last_receivers_take_their_time(
    kicks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "DRAIN_S", 0.5)
    (delivery,) = waiting(listening(), due_at=database_clock())
    free = []

    def receive(parcel: Parcel) -> Result:
        raise AssertionError("not awaited")

    class Slow(Postman):
        async def __call__(self, parcel: Parcel, *, timeout_s: float, at: int) -> Result:
            postman = Postman(takes_s=1.5)
            result = await postman(parcel, timeout_s=timeout_s, at=at)
            free.append(await dispatcher.rows(DrainSlot.objects.filter(holder=None).count))
            return result

    sends_with(Slow(receive), monkeypatch)
    tasks.deliver()
    assert (free, fresh(delivery).status) == ([1], "delivered")
    # One more task, and not two: something was under way when the slot was given back.
    assert kicks == ["webhooks.tasks.deliver"]


def test_a_task_that_breaks_gives_its_slot_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(**arguments: object) -> None:
        raise KeyError

    monkeypatch.setattr(tasks, "drain", broken)
    with pytest.raises(KeyError):
        tasks.deliver()
    assert Slot(database_clock).take()


@pytest.mark.parametrize(("timeout_s", "claims_s"), [(15, 20), (20, 20), (30, 10)])
def test_a_task_is_done_before_the_queue_kills_it(timeout_s: int, claims_s: int, settings: Settings) -> None:
    settings.WEBHOOK_TIMEOUT_S = timeout_s
    assert tasks.seconds() == claims_s
    assert tasks.seconds() + timeout_s < settings.Q_CLUSTER["timeout"]


def take(holder: UUID, now: datetime, *, slots: int = 1) -> int | None:
    return DrainSlot.objects.take(holder, slots=slots, now=now, hold=HOLD)


def test_there_are_so_many_slots_and_no_more() -> None:
    assert [take(uuid7(), NOON, slots=2) for _ in range(3)] == [1, 2, None]


def test_a_dead_holder_loses_its_slot_and_one_that_wakes_up_is_told() -> None:
    clock = SteppedClock()
    first, second = Slot(clock), Slot(clock)
    assert first.take()
    clock.forward(HOLD_S - 1)
    assert not Slot(clock).take()
    clock.forward(1)
    second = Slot(clock)
    assert second.take()
    assert not first.keep()
    first.give_back()
    assert not Slot(clock).take()
    second.give_back()
    assert Slot(clock).take()


def test_whoever_says_that_it_lives_keeps_its_slot() -> None:
    clock = SteppedClock()
    slot = Slot(clock)
    assert slot.take()
    for _ in range(10):
        clock.forward(5)
        assert slot.keep()
        assert not Slot(clock).take()


def the_schedule() -> Schedule:
    """As the migration makes it, and no other; tests that empty every table take it away."""
    Schedule.objects.exclude(name="deliver webhooks").delete()
    importlib.import_module(f"webhooks.migrations.{MIGRATION}").spread(apps, None)
    return Schedule.objects.get()


def test_the_schedule_is_made_by_a_migration_once_and_looks_every_minute() -> None:
    assert ("webhooks", MIGRATION) in MigrationLoader(connection).applied_migrations
    first = the_schedule()
    Schedule.objects.update(minutes=5)
    assert the_schedule().pk == first.pk
    assert (first.name, first.func, first.schedule_type, first.minutes, first.repeats) == (
        *("deliver webhooks", tasks.DELIVER, Schedule.MINUTES, 1, -1),
    )
    # What somebody changed by hand should be left as it is.
    assert the_schedule().minutes == 5
    assert not OrmQ.objects.exists()
