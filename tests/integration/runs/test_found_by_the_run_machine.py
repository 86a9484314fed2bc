"""What the run machine (test_run_machine.py) has found, each as the shortest story that showed it."""

import orjson
import pytest

from runs.domain.endings import verdict_of
from runs.domain.events import Draft, EventType, SessionState
from runs.domain.projection import load
from runs.ending import end_run
from runs.recorder import record
from tests.cast import PEOPLE, fresh, queued_run, run_event, session_now
from tests.invariants import assert_invariants

pytestmark = pytest.mark.django_db


def test_a_run_walked_to_its_ending_does_not_call_a_session_open_that_is_over() -> None:
    run = queued_run()
    bound = {"sessionId": run.session_id, "participants": list(PEOPLE), "runStatus": "binding_session"}
    record(
        run.id,
        [run_event(run.id, EventType.RUN_STARTED, "starting"), Draft(type=EventType.SESSION_BOUND, data=bound)],
        epoch=None,
    )
    verdict = verdict_of(SessionState.RESOLVED)
    assert verdict is not None
    end_run(run.id, verdict, epoch=None, batch=[session_now(SessionState.RESOLVED)])

    ended = fresh(run)
    assert orjson.loads(ended.ending or "")["evidence"]["sessionState"] == "SESSION_STATE_RESOLVED"
    state = load(ended.projection.state, ended.projection.private)
    assert state.private["context"]["sessionState"] == "SESSION_STATE_RESOLVED"  # type: ignore[index]
    assert_invariants()
