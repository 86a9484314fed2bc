"""Real observers over real faults: killed, cut off from the database, and facing a runtime that misbehaves."""

import time
from collections.abc import Callable
from uuid import UUID

import orjson
import pytest
from django.db import connection

from runs.models import Event, RawObservation, Run
from tests.cast import fresh
from tests.integration.runs.test_observe_run import launch
from tests.invariants import assert_invariants
from tests.runtime_process import StandInRuntime
from tests.service import ObserverProcess

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_SECONDS = 60


def wait_until(condition: Callable[[], bool]) -> None:
    """Returns once `condition` holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)  # another process writes the rows


def has_ended(run_id: UUID) -> Callable[[], bool]:
    return lambda: Run.objects.filter(id=run_id, ending_seq__isnull=False).exists()


def age_the_beats() -> None:
    """The lease of whoever beats no more is over."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE runs_observer SET beat_at = clock_timestamp() - interval '1 hour' WHERE lost_at IS NULL")


def received(run_id: UUID) -> int:
    return Event.objects.filter(run_id=run_id, type="message.received").count()


def test_an_observer_killed_in_the_middle_of_20_000_events_loses_and_doubles_nothing() -> None:
    events = 20_000
    run_id = launch(runtime={"kind": "scripted", "options": {"scenario": "load", "events": events}})
    with ObserverProcess() as first:
        wait_until(lambda: Run.objects.get(id=run_id).session.cursor > 2_000)
        first.kill()
    assert not has_ended(run_id)()
    assert_invariants()
    age_the_beats()
    with ObserverProcess():
        wait_until(has_ended(run_id))
    assert fresh(Run.objects.get(id=run_id)).session.cursor == events + 1
    assert received(run_id) == events + 1
    assert Run.objects.get(id=run_id).status == "completed"
    assert_invariants()


EVENTS = 300
ENVELOPES = EVENTS + 2  # SessionStart and Commitment


@pytest.mark.parametrize(
    ("faults", "unreadable"),
    [
        (["drop@100", "drop@301", "drop@302", "inline@150"], 0),
        (["close@100", "close@302", "silent@1"], 0),
        (["lose-start@1", "drop@2"], 0),
        (["poison@302", "drop@200", "drop@301"], 1),
    ],
)
def test_whatever_a_runtime_does_everything_it_replays_is_recorded_once(faults: list[str], unreadable: int) -> None:
    options = ["--script", "load", "--events", str(EVENTS), *[f"--fault={fault}" for fault in faults]]
    runtime = StandInRuntime(*options)
    environment = {
        "RUNTIME_ADDRESS": runtime.address,
        "RUNTIME_ALLOW_INSECURE": "true",
        "RUNTIME_DEV_SENDERS": "true",
        "RUNTIME_REQUEST_TIMEOUT_MS": "1000",
    }
    try:
        run_id = launch(runtime={"kind": "macp"})
        with ObserverProcess(environment):
            wait_until(has_ended(run_id))
    finally:
        runtime.stop()
    run = fresh(Run.objects.get(id=run_id))
    ending = orjson.loads(run.ending or "{}")
    assert (run.status, ending["evidence"]["missing"]) == ("completed", None)
    assert run.session.cursor == ENVELOPES - unreadable
    assert RawObservation.objects.filter(run_id=run_id, kind="undecodable").count() == unreadable
    assert_invariants()


@pytest.mark.parametrize("fault", ["lose@1", "refuse@1"])
def test_a_kickoff_whose_answer_is_lost_is_sent_again_and_one_that_is_refused_ends_the_run(fault: str) -> None:
    runtime = StandInRuntime("--script", "none", f"--fault={fault}")
    environment = {
        "RUNTIME_ADDRESS": runtime.address,
        "RUNTIME_ALLOW_INSECURE": "true",
        "RUNTIME_DEV_SENDERS": "true",
    }
    kickoff = [{"from": "lead", "to": ["alice"], "kind": "context", "messageType": "Note", "payload": {"go": 1}}]
    try:
        run_id = launch(runtime={"kind": "macp"}, kickoff=kickoff)
        with ObserverProcess(environment):
            wait_until(lambda: Run.objects.get(id=run_id).status in ("running", "failed"))
    finally:
        runtime.stop()
    run = Run.objects.get(id=run_id)
    assert (run.status, run.error_code) == (
        ("running", None) if fault.startswith("lose") else ("failed", "kickoff_failed")
    )
    assert_invariants()


@pytest.mark.slow
def test_an_observer_whose_connections_are_cut_goes_on_as_soon_as_the_database_answers() -> None:
    events = 4_000
    run_id = launch(
        runtime={"kind": "scripted", "options": {"scenario": "load", "events": events, "ratePerSecond": 1_000}}
    )
    with ObserverProcess():
        for _ in range(3):
            before = Run.objects.get(id=run_id).session.cursor
            wait_until(lambda mark=before: Run.objects.get(id=run_id).session.cursor > mark)  # type: ignore[misc]
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        wait_until(has_ended(run_id))
    assert received(run_id) == events + 1
    assert_invariants()
