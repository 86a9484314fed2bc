"""Somebody asks for the recovery of a run: it changes hands before the lease is over, and never while its observer lives."""

from uuid import UUID

import pytest
from pytest_django.fixtures import Settings

from runs.audit import Actor
from runs.models import Observer
from runs.models.project import DEFAULT_PROJECT_ID
from runs.operations.recover import Found, Recovery, recover_run
from tests.faults.host import EXIT_LOST_LEASE, PATIENT, ObserverHost, at_runtime
from tests.invariants import assert_invariants
from tests.recovery.scene import (
    assert_whole,
    database_time,
    ended,
    epochs,
    has_read,
    launch,
    load,
    run_of,
    stand_in,
    wait_until,
)

pytestmark = [pytest.mark.slow, pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

EVENTS = 1_500
RATE = 100
LEASE_S = 9
CALM = {**PATIENT, "OBSERVER_BEAT_S": "1", "OBSERVER_LEASE_S": str(LEASE_S)}


def recover(run_id: UUID) -> Recovery:
    return recover_run(
        project_id=DEFAULT_PROJECT_ID, run_id=run_id, actor=Actor(name="test", kind="api_key"), request_id=None
    )


@pytest.mark.parametrize("is_killed", [True, False], ids=["killed", "frozen"])
def test_a_run_changes_hands_before_the_lease_is_over_and_never_while_its_observer_lives(
    is_killed: bool, settings: Settings
) -> None:
    settings.OBSERVER_LEASE_S = LEASE_S
    with stand_in(*load(EVENTS, rate=RATE)) as runtime:
        environment = at_runtime(runtime.address)
        run_id = launch()
        with ObserverHost(environment, settings=CALM) as first:
            wait_until(has_read(run_id, 50))
            with ObserverHost(environment, settings=CALM) as second:
                for _ in range(20):
                    assert recover(run_id).found is Found.OWNER_LIVES
                assert run_of(run_id).lease_epoch == 1

                first.kill() if is_killed else first.freeze()
                asked: list[Recovery] = []
                wait_until(lambda: is_taken(run_id, asked), what="the take-over")
                taken_at = database_time()
                lost = Observer.objects.get(id=first.id)
                silent_s = (taken_at - lost.beat_at).total_seconds()
                assert (asked[-1].found, run_of(run_id).observer_id) == (Found.OWNER_SILENT, second.id)
                assert LEASE_S * 2 / 3 <= silent_s < LEASE_S
                if not is_killed:
                    first.thaw()
                    assert first.ended(within_s=30) == EXIT_LOST_LEASE
                run = ended(run_id)
    assert_whole(run, envelopes=EVENTS + 2)
    assert run.lease_epoch == 2
    assert epochs(run_id) == sorted(epochs(run_id))
    assert_invariants()


def is_taken(run_id: UUID, asked: list[Recovery]) -> bool:
    """Asked once more, as somebody does who has no patience."""
    asked.append(recover(run_id))
    return asked[-1].is_taken_over
