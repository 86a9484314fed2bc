"""I22: whatever the task broker does to tasks, every run ends once, and clean-ups are tried no more often than promised."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from django.db import connection
from django_q.models import OrmQ

from runs.domain.endings import EndingCode
from runs.ending import end_run
from runs.ending.cleanup import TRIES
from runs.models import Event, Run
from tests.faults.host import SHORT, ObserverHost, at_runtime
from tests.faults.queue_host import begun, handed_out, queue_nets, unreliable, wait_until_carried_out
from tests.invariants import assert_invariants
from tests.recovery.scene import (
    assert_whole,
    database_time,
    ended,
    ending_of,
    has_read,
    launch,
    load,
    run_of,
    stand_in,
    wait_until,
)
from tests.settling import verdict
from tests.sweeping import make_due

pytestmark = [pytest.mark.slow, pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

EVENTS = 400
RATE = 50
ENDINGS = ("run.completed", "run.failed", "run.cancelled")


def scripted(**options: object) -> dict[str, object]:
    return {"scenario": "load", "events": EVENTS, "ratePerSecond": RATE, **options}


def all_run(run_ids: Sequence[UUID]) -> None:
    """Every session is bound and every kickoff done."""
    wait_until(
        lambda: Run.objects.filter(id__in=run_ids, status="running").count() == len(run_ids), what="the launches"
    )


def codes_of(run_ids: Sequence[UUID]) -> list[object]:
    """How each run ended, which it did once."""
    for run_id in run_ids:
        assert Event.objects.filter(run_id=run_id, type__in=ENDINGS).count() == 1
    return [ending_of(run_of(run_id))["code"] for run_id in run_ids]


def test_i22_with_every_task_dropped_the_observers_end_all_runs_also_those_of_one_that_was_killed() -> None:
    with stand_in(*load(EVENTS, rate=RATE)) as runtime, unreliable("drop", at_runtime(runtime.address)) as queue:
        queue_nets("before")
        with ObserverHost(at_runtime(runtime.address)) as first:
            whole = [launch(), launch("scripted", options=scripted())]
            slow = launch("scripted", options=scripted(ratePerSecond=1), execution={"timeouts": {"progressMs": 500}})
            for run_id in whole:
                wait_until(has_read(run_id, EVENTS // 8))
            first.kill()
        queue_nets("amid", "after")
        with ObserverHost(at_runtime(runtime.address)) as second:
            runs = [ended(run_id) for run_id in whole]
            assert ended(slow).cleanup_status is not None
            wait_until(lambda: run_of(slow).cleanup_status == "done", what="the clean-up")
        wait_until(lambda: not OrmQ.objects.exists(), what="the loss of every task")
    assert (handed_out(queue), begun(queue)) == ([0, 0, 0], [])
    assert [(run.observer_id, run.lease_epoch) for run in runs] == [(second.id, 2)] * 2
    assert_whole(runs[0], envelopes=EVENTS + 2)
    assert_whole(runs[1], envelopes=EVENTS + 1)
    assert codes_of([slow]) == ["progress_timeout"]
    assert run_of(slow).cleanup_attempts == 1
    assert_invariants()


def test_i22_with_all_observers_dead_tasks_that_are_doubled_and_reordered_end_each_overdue_run_once() -> None:
    began = database_time()
    # While sessions are being cancelled, which takes a while, another net looks for clean-ups that are due.
    with stand_in("--slow", "CancelSession=3") as runtime:
        with ObserverHost(at_runtime(runtime.address)) as host:
            run_ids = [launch() for _ in range(6)]
            all_run(run_ids)
            host.kill()
        overdue, left_open, healthy = run_ids[:3], run_ids[3:5], run_ids[5]
        too_late = launch(execution={"timeouts": {"admissionMs": 1_000}})
        waiting = launch()
        wait_until(lambda: database_time() > (run_of(too_late).admission_deadline or began))
        make_due(*map(run_of, overdue))
        for run_id in left_open:
            end_run(run_id, verdict(EndingCode.RUN_TIMEOUT), epoch=None)
        patient = at_runtime(runtime.address, RUNTIME_REQUEST_TIMEOUT_MS="15000")
        with unreliable("double,reorder", {**SHORT, **patient}) as queue:
            queue_nets("one", "two")
            wait_until_carried_out(queue, tasks=2)
            # It should have been neither once nor in order, or nothing is shown.
            assert begun(queue) == ["two", "two", "one", "one"]
        assert runtime.seen()["calls"]["CancelSession"] == len(overdue + left_open)
    assert codes_of([*overdue, *left_open, too_late]) == ["run_timeout"] * 5 + ["never_started"]
    for run in map(run_of, overdue + left_open):
        assert (run.cleanup_status, run.cleanup_attempts, run.cleanup_errors) == ("done", 1, [])
    assert [run_of(run_id).status for run_id in (healthy, waiting)] == ["running", "queued"]
    assert [run_of(run_id).lease_epoch for run_id in (*run_ids, waiting)] == [1] * 6 + [0]
    assert_invariants()


@pytest.mark.parametrize("seed", [20])
def test_i22_tasks_dropped_doubled_and_delayed_by_chance_disturb_neither_endings_nor_clean_ups(seed: int) -> None:
    with stand_in("--refuse", "CancelSession") as runtime:
        environment = at_runtime(runtime.address)
        with unreliable(f"mix:{seed}", {**SHORT, **environment}) as queue, ObserverHost(environment) as first:
            run_ids = [launch() for _ in range(4)]
            all_run(run_ids)
            with ObserverHost(environment) as second:
                queue_nets("one")
                first.kill()
                wait_until(lambda: Run.objects.filter(observer_id=second.id).count() == 4, what="the take-over")
                make_due(*map(run_of, run_ids))
                queue_nets("two", "three")
                wait_until(all_clean_ups_failed, what="the last try of every clean-up")
                wait_until_carried_out(queue, tasks=3)
        assert set(handed_out(queue)) == {0, 1, 2}
        assert 0 < runtime.seen()["calls"]["CancelSession"] <= TRIES * 4
    assert codes_of(run_ids) == ["run_timeout"] * 4
    for run in map(run_of, run_ids):
        assert (run.cleanup_attempts, len(run.cleanup_errors), run.lease_epoch) == (TRIES, TRIES, 2)
    assert_invariants()


def all_clean_ups_failed() -> bool:
    """True once there is no further try; until then every next one is due as soon as the last is noted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE runs_run SET cleanup_due_at = clock_timestamp() WHERE cleanup_status = 'pending'"
            " AND jsonb_array_length(cleanup_errors) = cleanup_attempts AND cleanup_due_at > clock_timestamp()"
        )
    return Run.objects.filter(cleanup_status="failed").count() == 4
