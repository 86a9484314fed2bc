"""F05: an observer stands still for three leases while another takes its runs over, and then wakes up."""

import time

import pytest

from runs.models import Event, Observer, RawObservation, Run
from tests.faults.host import EXIT_LOST_LEASE, LEASE_S, TAKEN_WITHIN_S, ObserverHost, at_runtime, together
from tests.faults.postgres_proxy import PostgresProxy
from tests.invariants import assert_invariants
from tests.recovery.scene import (
    assert_whole,
    database_time,
    ended,
    epochs,
    has_read,
    launch,
    load,
    seconds_until_owned,
    stand_in,
    wait_until,
)
from tests.service import database_url

pytestmark = [pytest.mark.slow, pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

EVENTS = 2_000
RATE = 100  # the sessions go on long after the frozen ones have woken up
IDLE_IN_TRANSACTION_S = 1


def test_a_frozen_observer_writes_nothing_when_it_wakes_up_and_ends_itself_also_with_a_transaction_open() -> None:
    with stand_in(*load(EVENTS, rate=RATE)) as runtime, PostgresProxy(database_url()) as proxy:
        environment = at_runtime(runtime.address)
        one_each = {**environment, "OBSERVER_MAX_RUNS": "1"}
        frozen = [ObserverHost(one_each), ObserverHost(one_each, database=proxy.url())]
        with together(*frozen):
            run_ids = [launch(), launch()]
            for run_id in run_ids:
                wait_until(has_read(run_id, 50))
            with ObserverHost(environment) as second:
                held = proxy.hold_commit(b"runs_event")
                proxy.wait_for(held)  # a batch is written, the run's row is locked, and COMMIT never arrives
                frozen_at = database_time()
                for host in frozen:
                    host.freeze()
                for run_id in run_ids:
                    taken_after = seconds_until_owned(run_id, 2, frozen_at)
                    assert taken_after < TAKEN_WITHIN_S + IDLE_IN_TRANSACTION_S
                for run_id in run_ids:
                    wait_until(lambda run_id=run_id: 2 in epochs(run_id))  # type: ignore[misc]
                of_the_first = {run_id: epochs(run_id).count(1) for run_id in run_ids}
                asleep_for = (database_time() - frozen_at).total_seconds()
                time.sleep(max(0.0, 3 * LEASE_S - asleep_for))  # the fault itself: three leases

                proxy.release(held)
                for host in frozen:
                    host.thaw()
                for host in frozen:
                    assert host.ended(within_s=30) == EXIT_LOST_LEASE
                runs = [ended(run_id) for run_id in run_ids]
    for run in runs:
        assert_whole(run, envelopes=EVENTS + 2)
        assert epochs(run.id).count(1) == of_the_first[run.id]
        assert (run.observer_id, run.lease_epoch) == (second.id, 2)
    assert RawObservation.objects.filter(kind="stream-envelope").count() == 2 * (EVENTS + 2)
    assert Run.objects.count() == Event.objects.filter(type="run.completed", lease_epoch=2).count() == 2
    lost = Observer.objects.filter(id__in=[host.id for host in frozen])
    assert all(one.lost_at is not None and one.beat_at < one.lost_at for one in lost)
    assert_invariants()
