"""SIGTERM, whatever the observer is doing: it is gone in under two seconds, and its runs are free at once (F11)."""

import contextlib

import pytest

from runs.models import Event, Run
from tests.faults.host import ObserverHost, at_runtime, together
from tests.invariants import assert_invariants
from tests.recovery.scene import database_time, launch, run_of, seconds_until_owned, stand_in, wait_until
from tests.runtime_process import free_port

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

ENDS_WITHIN_S = 2.0
TAKEN_WITHIN_S = 2.0
ONE = {"OBSERVER_MAX_RUNS": "1"}


def test_an_observer_stops_at_once_while_idle_while_backing_off_and_while_a_call_hangs() -> None:
    with stand_in() as runtime:
        nobody = f"127.0.0.1:{free_port()}"
        idle = ObserverHost(ONE)
        backing_off = ObserverHost({**at_runtime(nobody), **ONE, "STREAM_BACKOFF_BASE_MS": "20000"})
        hanging = ObserverHost({**at_runtime(runtime.address), **ONE, "RUNTIME_REQUEST_TIMEOUT_MS": "60000"})
        stopped = [idle, backing_off, hanging]
        with together(*stopped):
            run_ids = [launch("scripted", options={"scenario": "silent"})]
            wait_until(lambda: Run.objects.filter(status="running").count() == 1)
            with contextlib.ExitStack() as thawing:
                runtime.freeze()
                thawing.callback(runtime.thaw)
                run_ids += [launch(), launch()]
                wait_until(lambda: Event.objects.filter(type="run.started").count() == 3)
                owners = {run_of(run_id).observer_id for run_id in run_ids}
                assert owners == {host.id for host in stopped}
                with ObserverHost(at_runtime(runtime.address)) as second:
                    for host in stopped:
                        _stops_at_once(host, second)
    assert not Run.objects.exclude(lease_epoch=2).exists()
    assert set(Run.objects.values_list("recovery_attempts", flat=True)) == {0}
    assert_invariants()


def _stops_at_once(host: ObserverHost, second: ObserverHost) -> None:
    run_id = Run.objects.get(observer_id=host.id).id
    asked_at = database_time()
    end = host.terminate()
    assert end.status == 0
    assert end.seconds < ENDS_WITHIN_S
    assert seconds_until_owned(run_id, 2, asked_at) < TAKEN_WITHIN_S + ENDS_WITHIN_S
    assert run_of(run_id).observer_id == second.id
