"""F02, F03: connections break at the worst moment: at random, and at a COMMIT, whose outcome is then unknown."""

import random
import time
from uuid import UUID

import pytest

from runs.models import OutboundMessage
from tests.faults.host import PATIENT, ObserverHost, at_runtime
from tests.faults.postgres_proxy import CommitFault, PostgresProxy
from tests.invariants import assert_invariants, types_of
from tests.recovery.scene import (
    WHOLE,
    a_run_under_way,
    assert_whole,
    ended,
    launch,
    load,
    run_of,
    stand_in,
    terminate_sessions,
)
from tests.service import database_url

pytestmark = [pytest.mark.slow, pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]


def test_connections_that_are_terminated_at_random_cost_nothing() -> None:
    chance = random.Random(3)
    with a_run_under_way() as (run_id, host):
        while not run_of(run_id).has_ended:
            terminate_sessions(share=chance.uniform(0.1, 0.6))
            time.sleep(chance.uniform(0.05, 0.4))
        assert_whole(run_of(run_id), envelopes=WHOLE)
        assert run_of(run_id).observer_id == host.id
    assert_invariants()


# What a transaction says that commits one step of a run, in the order of the steps.
MOMENTS = [
    (b"run.started",),
    (b"start_envelope",),
    (b"session.bound", b"message.queued"),
    (b'UPDATE "runs_outboundmessage" SET "attempt"',),
    (b"message.sent",),
    (b"session.state.changed",),
    (b"load-0000001",),
    (b"run.completed",),
]
KICKOFF = [{"from": "lead", "to": ["ann"], "kind": "context", "messageType": "Note", "payload": {"go": 1}}]


@pytest.mark.parametrize("is_committed", [True, False])
def test_whether_a_commit_whose_answer_is_lost_has_happened_makes_no_difference_at_any_step(is_committed: bool) -> None:
    # Long enough that no session is over before a run that was let go has been taken up again.
    with stand_in(*load(90, rate=15)) as runtime, PostgresProxy(database_url()) as proxy:
        arm = proxy.cut_after_commit if is_committed else proxy.cut_before_commit
        faults: dict[UUID, CommitFault] = {}
        for moment in MOMENTS:
            run_id = launch(kickoff=KICKOFF)
            faults[run_id] = arm(run_id.hex.encode(), *moment)
        with ObserverHost(at_runtime(runtime.address), database=proxy.url(), settings=PATIENT) as host:
            for run_id, fault in faults.items():
                run = ended(run_id)
                assert fault.happened.is_set(), fault.of
                # It should have been told once of everything, and have sent its kickoff under one id.
                assert_whole(run, envelopes=92)
                assert all(types_of(run_id).count(f"run.{step}") == 1 for step in ("created", "started", "completed"))
                assert OutboundMessage.objects.get(run_id=run_id).status == "accepted"
                assert run.observer_id == host.id
    assert_invariants()
