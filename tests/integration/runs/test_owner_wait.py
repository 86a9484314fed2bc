"""Waiting for an owner: its answer, or that there is none, or that it takes too long."""

import time
from collections.abc import Callable, Iterator

import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from runs.bridge import release_connection
from runs.errors import Fenced, NoOwner, RunEnded, RunNotFound, RuntimeTimedOut
from runs.models import Run
from runs.models.identity import uuid7
from runs.observer import lease
from runs.operations.owner_wait import await_owner
from runs.queries import has_live_owner
from runs.recorder import record
from tests.cast import envelope, fresh, queued_run, running_run
from tests.steered import cancel

pytestmark = pytest.mark.django_db(transaction=True)


def one_after_another(*values: object) -> Callable[[], object]:
    """Says one value after the other, and the last one again and again."""
    following: Iterator[object] = iter(values)
    last = values[-1]
    return lambda: next(following, last)


def test_the_answer_is_what_the_owner_says_in_the_end() -> None:
    assert await_owner(one_after_another(None, None, "done"), has_owner=lambda: True) == "done"


def test_an_answer_that_is_there_already_needs_no_owner() -> None:
    assert await_owner(lambda: "done", has_owner=lambda: False, unowned_s=0) == "done"


def test_without_an_owner_for_long_enough_nobody_is_waited_for() -> None:
    began = time.monotonic()
    with pytest.raises(NoOwner):
        await_owner(lambda: None, has_owner=lambda: False, unowned_s=0.2)
    assert time.monotonic() - began >= 0.2


def test_an_owner_that_comes_in_time_is_waited_for_from_then_on() -> None:
    # It should count from when there last was an owner, not from the beginning: that is longer ago than it waits.
    has_owner = one_after_another(False, *[True] * 6, False, True)
    answer = one_after_another(*[None] * 9, "done")
    began = time.monotonic()
    assert await_owner(answer, has_owner=has_owner, unowned_s=0.4) == "done"  # type: ignore[arg-type]
    assert time.monotonic() - began > 0.4


def test_an_owner_that_says_nothing_is_not_waited_for_for_ever(settings: Settings) -> None:
    settings.RUNTIME_REQUEST_TIMEOUT_MS = 100
    with pytest.raises(RuntimeTimedOut):
        await_owner(lambda: None, has_owner=lambda: True)


def test_an_exception_ends_the_waiting() -> None:
    def answer() -> None:
        raise RunEnded

    with pytest.raises(RunEnded):
        await_owner(answer, has_owner=lambda: True)


def test_whoever_waits_holds_no_connection(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    held: list[bool] = []

    def answer() -> str | None:
        held.append(connection.connection is not None)
        Run.objects.exists()
        return "done" if len(held) == 3 else None

    await_owner(answer, has_owner=lambda: True)
    assert held[1:] == [False, False]


def test_an_open_transaction_keeps_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    with transaction.atomic():
        release_connection()
        assert connection.connection is not None


def test_who_is_a_living_owner() -> None:
    run = queued_run()
    assert not has_live_owner(run.id)
    observer = lease.register()
    lease.claim(observer, 1)
    assert has_live_owner(run.id)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE runs_observer SET beat_at = clock_timestamp() - interval '31 s' WHERE id = %s", [observer]
        )
        assert not has_live_owner(run.id)
        cursor.execute("UPDATE runs_observer SET beat_at = clock_timestamp(), lost_at = clock_timestamp()")
    assert not has_live_owner(run.id)
    assert not has_live_owner(uuid7())


def test_a_run_that_is_taken_belongs_to_nobody_and_its_former_owner_is_fenced() -> None:
    run = running_run()
    observer = lease.register()
    [mine] = lease.claim(observer, 1)
    with transaction.atomic():
        epoch = Run.objects.take(run.id)

    assert epoch == mine.epoch + 1
    assert (fresh(run).lease_epoch, fresh(run).observer_id) == (epoch, None)
    with pytest.raises(Fenced):
        record(run.id, [envelope(1)], epoch=mine.epoch)
    # It should be found by the next observer, if nobody ended it.
    assert [one.epoch for one in lease.claim(observer, 1)] == [epoch + 1]


def test_nobody_takes_a_run_that_has_ended_or_is_not_there() -> None:
    run = queued_run()
    cancel(run.id)
    with pytest.raises(RunEnded), transaction.atomic():
        Run.objects.take(run.id)
    with pytest.raises(RunNotFound), transaction.atomic():
        Run.objects.take(uuid7())
    assert fresh(run).lease_epoch == run.lease_epoch
