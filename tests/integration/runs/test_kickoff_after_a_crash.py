"""A kickoff that was refused, and an observer that died before it could end the run for it."""

import pytest

from runs.models import OutboundMessage, Run
from tests.integration.runs.test_observe_run import launch
from tests.integration.runs.test_observer_processes import age_the_beats, has_ended, wait_until
from tests.invariants import assert_invariants
from tests.runtime_process import StandInRuntime
from tests.service import ObserverProcess

pytestmark = pytest.mark.django_db(transaction=True)

KICKOFF = [{"from": "lead", "to": ["alice"], "kind": "context", "messageType": "Note", "payload": {"go": 1}}]


def test_the_next_owner_ends_a_run_whose_kickoff_was_refused() -> None:
    runtime = StandInRuntime("--script", "none", "--fault=refuse@1")
    environment = {
        "RUNTIME_ADDRESS": runtime.address,
        "RUNTIME_ALLOW_INSECURE": "true",
        "RUNTIME_DEV_SENDERS": "true",
    }
    try:
        run_id = launch(runtime={"kind": "macp"}, kickoff=KICKOFF)
        with ObserverProcess({**environment, "CRASH_AT": "send.ack.after_commit"}):
            wait_until(lambda: OutboundMessage.objects.filter(run_id=run_id, status="rejected").exists())
        assert not has_ended(run_id)()
        age_the_beats()
        with ObserverProcess(environment):
            wait_until(has_ended(run_id))
    finally:
        runtime.stop()
    run = Run.objects.get(id=run_id)
    assert (run.status, run.error_code) == ("failed", "kickoff_failed")
    assert_invariants()
