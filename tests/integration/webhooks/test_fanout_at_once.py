"""Several who fan out at once, endpoints that come and go meanwhile, runs that are deleted meanwhile: nothing is lost or
doubled, and nobody waits in a circle."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client

from runs.audit import Actor
from runs.domain.endings import EndingCode, Verdict
from runs.ending import end_run
from runs.models import OutboxEntry, Run
from runs.models.outbox import OutboxQuerySet
from runs.models.project import DEFAULT_PROJECT_ID
from runs.operations.delete import delete_run
from runs.recorder import record
from tests.cast import envelope, fresh, running_run
from tests.fanned import a_project, assert_heard, fan_out_all, heard_by, listens, told_by_the_log
from tests.invariants import assert_invariants
from tests.meanwhile import elsewhere, held, wait_until_somebody_waits
from webhooks import fanout
from webhooks.fanout import fan_out_some, flush
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db(transaction=True)

EVERYTHING = "*"


def ended_run(**columns: object) -> Run:
    """A completed run of which nothing is fanned out."""
    run = running_run(**columns)
    record(run.id, [envelope(number) for number in range(3)], epoch=None)
    end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=None)
    return fresh(run)


def delete(run_id: UUID) -> None:
    delete_run(project_id=DEFAULT_PROJECT_ID, run_id=run_id, actor=Actor("tester"), request_id=None)


def at_work_on(run: Run) -> Any:
    """A fan-out that has written what is to be heard of the run's first entry, and has not committed it yet."""
    return held(lambda: fanout._fan_out(run.id, limit=1))


# --- two fan-outs


def test_nobody_else_is_at_a_run_that_one_fan_out_is_at() -> None:
    endpoint = listens(EVERYTHING)
    first, second = running_run(), running_run()
    with at_work_on(first) as one:
        # It should find the other run and wait for nobody, also where the first one has grown meanwhile.
        record(first.id, [envelope(1)], epoch=None)
        assert fan_out_some() == 2
        assert set(Delivery.objects.values_list("run_id", flat=True)) == {second.id}
        assert fan_out_some() == 0
        one.commit()
    fan_out_all()
    assert_heard([endpoint], [first, second])


def test_entries_that_nobody_hears_of_are_not_taken_from_behind_a_head_that_somebody_is_at() -> None:
    listens("message.received")
    run = running_run()
    with at_work_on(run) as one:
        for number in range(2):
            record(run.id, [envelope(number, kind="Progress")], epoch=None)
        left = OutboxEntry.objects.filter(run_id=run.id).count()
        assert fan_out_some() == 0
        assert OutboxEntry.objects.filter(run_id=run.id).count() == left
        one.commit()


def test_many_fan_outs_at_once_deliver_each_event_once() -> None:
    endpoints = [listens(), listens(EVERYTHING), listens("message.received")]
    runs = [ended_run() for _ in range(6)]
    with elsewhere() as start:
        working = [start(lambda: fan_out_all(limit=2)) for _ in range(4)]
        done = sum(one.result() for one in working)
    assert done == 6 * 4
    assert not OutboxEntry.objects.exists()
    assert_heard(endpoints, runs)


# --- endpoints that come and go


@pytest.mark.parametrize("moment", ["page", "lock_heads", "first_of"])
def test_who_was_told_that_an_endpoint_is_there_misses_nothing_after_that_p5(
    moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the fan-out is by then: what it has not seen yet it does not drop for a list that is older."""
    run, made = running_run(), []

    def once(queryset: OutboxQuerySet, *given: Any, **named: Any) -> Any:
        seen = original(queryset, *given, **named) if moment == "first_of" else None
        if not made:
            made.append(None)
            with elsewhere() as start:
                made.append(start(lambda: listens("message.received")).result())
                start(lambda: record(run.id, [envelope(1)], epoch=None)).result()
        return original(queryset, *given, **named) if seen is None else seen

    original: Callable[..., Any] = getattr(OutboxQuerySet, moment)
    monkeypatch.setattr(OutboxQuerySet, moment, once)
    monkeypatch.setattr(type(OutboxEntry.objects), moment, once)
    fan_out_all()
    assert heard_by(made[1]) == told_by_the_log(run, ["message.received"])


def make_inactive(endpoint: Endpoint) -> None:
    """As an operation does it: under a lock, and with what waits."""
    with transaction.atomic():
        locked = Endpoint.objects.select_for_update().get(id=endpoint.id)
        Endpoint.objects.filter(id=locked.id).update(active=False)
        Delivery.objects.filter(endpoint=locked, status="pending").update(status="cancelled", due_at=None)


def test_an_endpoint_that_is_being_disabled_gets_no_delivery_that_nobody_would_cancel_i12() -> None:
    endpoint, other = listens(EVERYTHING), listens(EVERYTHING)
    run = running_run()
    with held(lambda: make_inactive(endpoint)) as disabling, elsewhere() as start:
        working = start(fan_out_all)
        wait_until_somebody_waits()
        disabling.commit()
        assert working.result() == 2
    assert heard_by(endpoint) == []
    assert_heard([other], [run])


def test_whoever_disables_an_endpoint_cancels_also_what_is_being_written_for_it_i12() -> None:
    endpoint = listens(EVERYTHING)
    run = running_run()
    with held(fan_out_all) as working, elsewhere() as start:
        disabling = start(lambda: make_inactive(endpoint))
        wait_until_somebody_waits()
        working.commit()
        disabling.result()
    assert set(Delivery.objects.values_list("status", flat=True)) == {"cancelled"}
    assert_heard([endpoint], [run])


def test_what_an_attempt_notes_on_an_endpoint_waits_for_no_fan_out_and_no_fan_out_for_it() -> None:
    endpoint = listens(EVERYTHING)
    running_run()

    def note() -> None:
        Endpoint.objects.filter(id=endpoint.id).update(failures=1)

    with held(note):
        assert fan_out_some(limit=1) == 1
    with held(fan_out_all):
        note()
    assert Endpoint.objects.get(id=endpoint.id).failures == 1


# --- runs that are deleted


def test_what_is_told_of_a_run_outlives_it_also_what_nobody_had_fanned_out_p5() -> None:
    endpoint, other = listens(EVERYTHING), listens()
    run = ended_run()
    told, told_six = told_by_the_log(run, [EVERYTHING]), told_by_the_log(run, [])
    delete(run.id)

    assert not Run.objects.filter(id=run.id).exists()
    assert (heard_by(endpoint), heard_by(other)) == (told, told_six)
    assert told_six == [(4, "run.started"), (run.last_seq, "run.completed")]
    assert not OutboxEntry.objects.exists()


def test_a_batch_of_deletions_loses_nothing_either_p5(caller: Client) -> None:
    endpoint = listens()
    runs = [ended_run() for _ in range(3)]
    told = {run.id: told_by_the_log(run, []) for run in runs}
    body = {"runIds": [str(run.id) for run in runs]}
    answer = caller.post("/runs/batch/delete", body, content_type="application/json")

    assert answer.status_code == 201, answer.content
    assert not Run.objects.exists()
    for run_id, expected in told.items():
        rows = Delivery.objects.filter(endpoint=endpoint, run_id=run_id).order_by("seq")
        assert list(rows.values_list("seq", "event_type")) == expected


def test_a_deletion_waits_for_the_fan_out_that_is_at_the_run() -> None:
    endpoint = listens(EVERYTHING)
    run = ended_run()
    told = told_by_the_log(run, [EVERYTHING])
    with at_work_on(run) as working, elsewhere() as start:
        deleting = start(lambda: delete(run.id))
        wait_until_somebody_waits()
        working.commit()
        deleting.result()
    assert heard_by(endpoint) == told
    assert not OutboxEntry.objects.exists()


def test_a_fan_out_does_not_wait_for_a_deletion_and_doubles_nothing_of_it() -> None:
    endpoint = listens(EVERYTHING)
    run, other = ended_run(), running_run()
    told = told_by_the_log(run, [EVERYTHING])
    with held(lambda: delete(run.id)) as deleting:
        assert fan_out_all() == 2  # of the other run
        deleting.commit()
    assert fan_out_all() == 0
    rows = Delivery.objects.filter(endpoint=endpoint, run_id=run.id).order_by("seq", "event_type")
    assert list(rows.values_list("seq", "event_type")) == told
    assert Delivery.objects.filter(run_id=other.id).count() == len(told_by_the_log(other, [EVERYTHING]))


def test_a_deletion_that_fails_has_told_nothing_and_loses_nothing() -> None:
    endpoint = listens(EVERYTHING)
    run = ended_run()
    entries = OutboxEntry.objects.count()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        flush(run.id)
        raise ZeroDivisionError
    assert (Delivery.objects.count(), OutboxEntry.objects.count()) == (0, entries)
    fan_out_all()
    assert_heard([endpoint], [run])


def test_of_a_run_of_another_project_nobody_hears_by_its_deletion() -> None:
    endpoint = listens(EVERYTHING, project=a_project())
    delete(ended_run().id)
    assert heard_by(endpoint) == []


def test_two_deletions_and_fan_outs_at_once_come_to_an_end_and_lose_nothing() -> None:
    endpoint = listens(EVERYTHING)
    runs = [ended_run() for _ in range(4)]
    told = sorted((run.id, *one) for run in runs for one in told_by_the_log(run, [EVERYTHING]))
    with elsewhere() as start:
        working = [start(lambda: fan_out_all(limit=1)) for _ in range(3)]
        deleting = [start(lambda run_id=run.id: delete(run_id)) for run in runs]
        for one in [*working, *deleting]:
            one.result()
    fan_out_all()
    rows = Delivery.objects.filter(endpoint=endpoint).values_list("run_id", "seq", "event_type")
    assert sorted(rows) == told
    assert not Run.objects.exists()


def test_what_is_left_has_no_hole_while_two_are_at_it() -> None:
    listens(EVERYTHING)
    first, *_ = [ended_run() for _ in range(3)]
    with at_work_on(first) as one:
        fan_out_some(limit=3)
        assert_invariants(outbox_is_read=True)
        one.commit()
    assert_invariants(outbox_is_read=True)
