"""An observer dies: others take its runs over in time, and nothing is lost or doubled (P4; L01, C02)."""

from collections.abc import Callable
from uuid import UUID

import pytest

from runs.models import Observer, Run
from tests.faults.host import EXIT_LOST_LEASE, TAKEN_WITHIN_S, ObserverHost, at_runtime, together
from tests.faults.postgres_proxy import PostgresProxy
from tests.invariants import assert_invariants, types_of
from tests.recovery.scene import (
    assert_whole,
    database_time,
    ended,
    has_read,
    launch,
    load,
    run_of,
    seconds_until_owned,
    stand_in,
    wait_until,
)
from tests.service import database_url

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

EVENTS = 400
RATE = 100


def test_a_killed_observer_costs_nothing_once_another_is_started() -> None:
    with stand_in(*load(EVENTS, rate=RATE)) as runtime:
        macp = launch()
        scripted = launch("scripted", options={"scenario": "load", "events": EVENTS, "ratePerSecond": RATE})
        with ObserverHost(at_runtime(runtime.address)) as first:
            for run_id in (macp, scripted):
                wait_until(has_read(run_id, EVENTS // 4))
            first.kill()
        assert not Run.objects.exclude(ending_seq=None).exists()
        assert_invariants()
        with ObserverHost(at_runtime(runtime.address)):
            assert_whole(ended(macp), envelopes=EVENTS + 2)
            assert_whole(ended(scripted), envelopes=EVENTS + 1)
    assert set(Run.objects.values_list("lease_epoch", flat=True)) == {2}
    assert_invariants()


def kill(host: ObserverHost, proxy: PostgresProxy) -> None:
    host.kill()


def freeze(host: ObserverHost, proxy: PostgresProxy) -> None:
    host.freeze()


def cut_off(host: ObserverHost, proxy: PostgresProxy) -> None:
    proxy.black_hole()


def test_l01_observers_lost_after_dispatch_and_before_the_first_event_are_replaced_in_time_c02() -> None:
    # No first subscription is ever answered: the sessions are open, and nobody has heard of them yet.
    silence = [word for number in (1, 2, 3) for word in ("--fault", f"silent@{number}")]
    with stand_in(*load(50), *silence) as runtime, PostgresProxy(database_url()) as proxy:
        environment = at_runtime(runtime.address, RUNTIME_REQUEST_TIMEOUT_MS="60000")
        victims = [
            ObserverHost({**environment, "OBSERVER_MAX_RUNS": "1"}, database=proxy.url() if way is cut_off else None)
            for way in (kill, freeze, cut_off)
        ]
        with together(*victims):
            run_ids = [launch() for _ in victims]
            wait_until(lambda: runtime.seen()["calls"].get("StreamSession") == len(victims))
            with ObserverHost(environment) as second:
                _lose_all(victims, proxy, run_ids)
                runs = [ended(run_id) for run_id in run_ids]
            proxy.pass_through()
            for victim in victims[1:]:
                victim.thaw()
                assert victim.ended(within_s=30) == EXIT_LOST_LEASE
    for run in runs:
        assert_whole(run, envelopes=52)
        assert types_of(run.id).count("run.started") == 1
        assert (run.observer_id, run.lease_epoch) == (second.id, 2)
    assert not Observer.objects.filter(id__in=[victim.id for victim in victims], lost_at=None).exists()
    assert_invariants()


def _lose_all(victims: list[ObserverHost], proxy: PostgresProxy, run_ids: list[UUID]) -> None:
    """Each observer is lost in its own way, and each run has been taken over in time."""
    ways: list[Callable[[ObserverHost, PostgresProxy], None]] = [kill, freeze, cut_off]
    lost_at = database_time()
    for victim, lose in zip(victims, ways, strict=True):
        lose(victim, proxy)
    for run_id in run_ids:
        assert run_of(run_id).lease_epoch == 1
    for run_id in run_ids:
        assert seconds_until_owned(run_id, 2, lost_at) < TAKEN_WITHIN_S
