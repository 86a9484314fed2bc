"""A runtime that misbehaves, and a real observer: nothing is lost, nothing is doubled, the run goes on (P1, P4)."""

import time
from uuid import UUID

import orjson
import pytest

from runs.api.requests import read_execution_request
from runs.audit import Actor
from runs.models import Event, OutboundMessage, RawObservation, Run
from runs.models.project import DEFAULT_PROJECT_ID
from runs.operations.launch import launch_run
from tests.invariants import assert_invariants, types_of
from tests.runtime_process import StandInRuntime
from tests.service import ObserverProcess

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

PATIENCE_SECONDS = 40
EVENTS = 400


def launch(**changes: object) -> UUID:
    session = {
        "modeName": "macp.mode.decision.v1",
        "modeVersion": "1.0.0",
        "configurationVersion": "config.default",
        "ttlMs": 120_000,
        "participants": [{"id": "lead"}, {"id": "ann"}, {"id": "bob"}],
    }
    return launch_run(
        project_id=DEFAULT_PROJECT_ID,
        request=read_execution_request({"mode": "live", "runtime": {"kind": "macp"}, "session": session, **changes}),
        idempotency_key=None,
        traceparent=None,
        actor=Actor(name="test", kind="api_key"),
        request_id=None,
    ).run_id


def played(*options: str, **changes: object) -> Run:
    """A run at a stand-in started with `options`, once it has ended."""
    runtime = StandInRuntime("--script", "load", "--events", str(EVENTS), *options)
    environment = {
        "RUNTIME_ADDRESS": runtime.address,
        "RUNTIME_DEV_SENDERS": "true",
        "RUNTIME_REQUEST_TIMEOUT_MS": "2000",
    }
    try:
        with ObserverProcess(environment):
            return ended(launch(**changes))
    finally:
        runtime.stop()


def ended(run_id: UUID) -> Run:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (run := Run.objects.select_related("session").get(id=run_id)).has_ended:
        assert time.monotonic() < deadline, (run.status, types_of(run_id)[-5:])
        time.sleep(0.05)
    return run


def envelopes(run: Run) -> int:
    return RawObservation.objects.filter(run_id=run.id, kind="stream-envelope").count()


@pytest.mark.parametrize("fault", ["drop@150", "close@150", "inline@150", "drop@402", "lose-start@1"])
def test_a_fault_of_the_stream_or_of_the_start_costs_nothing(fault: str) -> None:
    run = played("--fault", fault)

    assert (run.status, run.error_message) == ("completed", None)
    # SessionStart, the messages, and the Commitment where the script ends with one: as in a run without a fault.
    assert envelopes(run) >= EVENTS + 1
    assert orjson.loads(run.ending or "")["evidence"]["missing"] is None
    assert_invariants()


def test_a_stream_that_breaks_often_is_picked_up_each_time_and_says_so() -> None:
    run = played(*[word for n in range(40, 400, 60) for word in ("--fault", f"drop@{n}")])

    assert run.status == "completed"
    assert envelopes(run) >= EVENTS + 1
    assert Event.objects.filter(run_id=run.id, data__contains='"reconnecting"').count() == 6
    assert_invariants()


def test_a_poison_frame_is_kept_raw_and_the_run_goes_on_c17() -> None:
    run = played("--fault", "poison@50")

    assert run.status == "completed"
    assert RawObservation.objects.filter(run_id=run.id, kind="undecodable").count() == 1
    assert_invariants()


def test_a_lost_answer_to_a_kickoff_message_is_asked_for_again_under_the_same_id_c20() -> None:
    message = {"from": "lead", "to": ["ann"], "kind": "request", "messageType": "Note", "payload": {"text": "begin"}}
    run = played("--fault", "lose@1", "--rate", "80", kickoff=[message])

    assert run.status == "completed"
    sent = OutboundMessage.objects.get(run_id=run.id)
    assert (sent.status, sent.attempt) == ("accepted", 2)
    assert types_of(run.id).count("message.sent") == 1
    assert_invariants()


def test_a_refused_kickoff_message_ends_the_run_and_names_the_cause() -> None:
    message = {"from": "lead", "to": ["ann"], "kind": "request", "messageType": "Note", "payload": {"text": "begin"}}
    run = played("--fault", "refuse@1", "--rate", "80", kickoff=[message])  # still open when it is asked

    assert (run.status, run.error_code) == ("failed", "kickoff_failed")
    assert OutboundMessage.objects.get(run_id=run.id).status == "rejected"
    assert orjson.loads(run.ending or "")["error"]["runtimeCode"] == "INTERNAL_ERROR"
    assert_invariants()
