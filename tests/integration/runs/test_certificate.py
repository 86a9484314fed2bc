"""The certificate of an ending: what it proves, in the event, in the run and in what everybody is shown."""

import asyncio

import orjson
import pytest
from django.test import Client

from runs.domain.endings import DecidedBy, EndingCode, Verdict
from runs.domain.events import SessionState
from runs.ending import Outcome, end_run
from runs.ending.election import LONGEST_WORDS
from runs.errors import RunEnded, RuntimeRejected, SessionNotFound
from runs.models import AuditEntry, Event, Run
from runs.recorder import record
from tests.bodies import short_body
from tests.cast import envelope, fresh, session_now
from tests.integration.runs.test_observe_run import ended, observe_until
from tests.invariants import assert_invariants, types_of
from tests.puppet import KIND, Puppet, Stage, answered
from tests.settling import ending_of, settled, verdict
from tests.underway import launched, running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stage")]

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SECRET = "Bearer abcdefghijklmnop"


def test_the_evidence_is_what_was_known_when_the_run_ended() -> None:
    run = running(execution={"timeouts": {"progressMs": 60_000}})
    record(run.id, [envelope(1), envelope(2), session_now(SessionState.OPEN, count=1)], epoch=run.lease_epoch)
    run = fresh(run)
    settled(run, verdict(EndingCode.RUN_TIMEOUT), Puppet())
    evidence = ending_of(run)["evidence"]
    assert evidence["lastSeq"] == run.last_seq == fresh(run).ending_seq - 1
    assert (evidence["runtimeCursor"], evidence["sessionState"]) == (2, "SESSION_STATE_OPEN")
    assert (evidence["leaseEpoch"], evidence["observer"]) == (1, str(run.observer_id))
    deadlines = evidence["deadlines"]
    assert deadlines["admissionAt"] is None
    assert deadlines["hardAt"][:19] == run.hard_deadline.isoformat()[:19]
    assert deadlines["progressAt"][:19] == run.progress_deadline.isoformat()[:19]
    assert_invariants()


def test_event_row_projection_and_every_answer_hold_the_same_certificate(caller: Client) -> None:
    run = running()
    settled(run, verdict(EndingCode.RUN_TIMEOUT), Puppet())
    (event,) = Event.objects.filter(run_id=run.id, type="run.failed")
    data = orjson.loads(event.data)
    ending = ending_of(run)
    assert data["ending"] == ending
    shown = caller.get(f"/runs/{run.id}").json()
    assert (shown["ending"], shown["errorCode"], shown["errorMessage"]) == (ending, "run_timeout", "so it was decided")
    assert shown["cleanup"] == {"status": "pending", "errors": []}
    state = caller.get(f"/runs/{run.id}/state").json()
    assert state["run"]["ending"] == {"status": "failed", "code": "run_timeout", "decidedBy": "sweeper"}
    assert (data["runtimeSessionId"], data["error"]) == (run.session_id, "so it was decided")


def test_the_ending_of_a_traced_run_names_the_trace() -> None:
    run = running()
    Run.objects.update(trace_id=TRACE)
    settled(run, verdict(EndingCode.RUN_TIMEOUT), Puppet())
    (event,) = Event.objects.filter(run_id=run.id, type="run.failed")
    assert (orjson.loads(event.data)["traceId"], event.trace_id) == (TRACE, TRACE)


def test_a_success_is_not_overwritten_by_a_failure_that_comes_later_t07_i14() -> None:
    run = running()
    end_run(run.id, Verdict(code=EndingCode.RESOLVED, decided_by=DecidedBy.RUNTIME), epoch=run.lease_epoch)
    first = fresh(run)
    with pytest.raises(RunEnded):
        end_run(run.id, verdict(EndingCode.INTERNAL_ERROR), epoch=run.lease_epoch)
    assert settled(run, verdict(EndingCode.RUN_TIMEOUT), Puppet()) is Outcome.LOST
    after = fresh(run)
    assert (after.status, after.error_code, after.ending) == ("completed", None, first.ending)
    assert_invariants()


def test_a_run_whose_start_the_runtime_refuses_has_its_events_and_one_ending_t06(stage: Stage) -> None:
    run = launched()
    refusal = answered(ok=False, code="POLICY_DENIED", message="not in this house")
    never_was = [SessionNotFound("never heard of it")]
    stage.sessions[run.session_id] = session = Puppet(starts=[refusal], streams=[never_was])
    asyncio.run(observe_until(ended(run.id)))
    assert types_of(run.id) == ["run.created", "run.started", "run.failed"]
    ending = ending_of(run)
    assert (ending["code"], ending["decidedBy"]) == ("runtime_rejected", "observer")
    assert ending["error"] == {
        **{"message": "the runtime refused the session: not in this house", "runtimeCode": "POLICY_DENIED"},
        "cleanupErrors": [],
    }
    # It should not ask a runtime that has just answered; whether an attempt before had opened the session, a sweep finds out.
    assert (session.asked, session.cancelled, fresh(run).cleanup_status) == (0, 0, "pending")
    assert_invariants()


def test_a_request_that_is_refused_stores_nothing_t06(caller: Client) -> None:
    body = short_body()
    body["session"]["ttlMs"] = 0
    assert caller.post("/runs", body, content_type="application/json").status_code == 400
    assert not Run.objects.exists()
    assert not Event.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("letter", ["x", "é", "𝄞"])
def test_what_a_runtime_says_in_a_refusal_is_short_and_holds_no_secret_t16(letter: str, stage: Stage) -> None:
    run = launched()
    words = f"{SECRET} {letter * 100_000} {SECRET}"
    stage.sessions[run.session_id] = Puppet(starts=[RuntimeRejected(words, runtime_code="INVALID\0" + letter * 5_000)])
    asyncio.run(observe_until(ended(run.id)))
    error = ending_of(run)["error"]
    # It should keep the runtime's own code, and as much of its words as T16 allows.
    assert error["runtimeCode"].startswith("INVALID")
    assert LONGEST_WORDS - 4 < len(error["message"].encode()) <= LONGEST_WORDS <= 2_048
    assert len(error["runtimeCode"].encode()) <= LONGEST_WORDS
    stored = fresh(run)
    assert "abcdefghijklmnop" not in f"{stored.ending}{stored.error_message}{Event.objects.last().data}"  # type: ignore[union-attr]
    assert stored.error_message == error["message"]
    assert_invariants()


def test_what_failed_while_ending_is_cut_and_masked_alike_t16(stage: Stage) -> None:
    run = running()
    settled(run, verdict(EndingCode.RUN_TIMEOUT), Puppet(states=[RuntimeRejected(f"{SECRET} " + "é" * 9_000)]))
    (error,) = ending_of(run)["error"]["cleanupErrors"]
    assert len(error.encode()) <= LONGEST_WORDS
    assert "abcdefghijklmnop" not in error


def test_a_runtime_that_does_not_offer_the_mode_is_no_refusal_of_the_session(stage: Stage) -> None:
    run = launched()
    stage.modes = ("macp.mode.task.v1",)
    session = stage.session(str(run.session_id))
    asyncio.run(observe_until(ended(run.id)))
    assert ending_of(run)["code"] == "mode_not_supported"
    assert (session.started, session.asked, fresh(run).cleanup_status) == ([], 0, None)
    assert fresh(run).runtime_kind == KIND
    assert_invariants()
