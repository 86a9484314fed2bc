"""Cancelling: every run that has not ended can be cancelled, at once, by whoever can end it best (C18, L09, B08)."""

import asyncio
import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import override_settings

from runs.audit import Actor
from runs.bridge import rows
from runs.domain.endings import DecidedBy, EndingCode, Verdict, verdict_of
from runs.domain.events import EventType
from runs.ending import end_run
from runs.errors import Conflict, Fenced, InvalidTransition, RunEnded, RunNotFound, RuntimeTimedOut
from runs.models import AuditEntry, Event, LateObservation, Run
from runs.observer import lease
from runs.recorder import quarantine, record
from tests.bodies import full_body
from tests.cast import envelope, fresh, queued_run, run_event, running_run
from tests.integration.runs.test_observe_run import body, launch
from tests.invariants import assert_invariants, types_of
from tests.steered import (
    an_observer,
    becomes,
    beside,
    bind,
    cancel,
    certificate,
    evidence,
    has_status,
    resume,
    suspend,
)

pytestmark = pytest.mark.django_db(transaction=True)

SILENT = {"kind": "scripted", "options": {"scenario": "silent"}}
AT_ONCE_SECONDS = 5.0  # far below the idle timeout of a stream, which is 120 s


def owned_run() -> tuple[Run, UUID]:
    """A running run, and the living observer that owns it and does nothing."""
    run, observer = running_run(), lease.register()
    lease.claim(observer, 1)
    return fresh(run), observer


def agent_session(**metadata: object) -> dict[str, Any]:
    session: dict[str, Any] = body()["session"]  # type: ignore[assignment]
    return {**session, "opener": "agent", "sessionId": full_body()["session"]["sessionId"], "metadata": metadata}


def test_a_queued_run_ends_here_and_now() -> None:
    run = queued_run()
    row = cancel(run.id, reason="no longer needed", request_id="req-1")

    assert (row.status, row.error_code) == ("cancelled", None)
    assert types_of(run.id) == ["run.created", "run.cancelled"]
    assert (certificate(run.id)["code"], certificate(run.id)["decidedBy"]) == ("cancelled", "api")
    entry = AuditEntry.objects.get(action="run.cancelled")
    assert (entry.actor, entry.resource_id, entry.request_id) == ("tester", str(run.id), "req-1")
    assert entry.details == {"reason": "no longer needed"}
    assert_invariants()


def test_a_run_that_is_starting_ends_here_and_now_and_its_owner_writes_no_more() -> None:
    run = queued_run(lease_epoch=1)
    record(run.id, [run_event(run.id, EventType.RUN_STARTED, "starting")], epoch=1)
    assert cancel(run.id).status == "cancelled"

    with pytest.raises(RunEnded):
        record(run.id, [envelope(1)], epoch=1)
    assert types_of(run.id) == ["run.created", "run.started", "run.cancelled"]
    assert_invariants()


def test_a_person_decides_as_an_operator() -> None:
    run = queued_run()
    cancel(run.id, through=DecidedBy.OPERATOR, actor=Actor(name="bob", kind="user"))

    assert certificate(run.id)["decidedBy"] == "operator"
    assert Event.objects.get(run_id=run.id, type="run.cancelled").source_name == "operator"
    assert_invariants()


def test_the_secret_in_a_reason_is_in_no_row() -> None:
    run = queued_run()
    cancel(run.id, reason="key sk-abcdefghijklmnopqrstuvwx leaked")
    assert "sk-abc" not in str(AuditEntry.objects.get(action="run.cancelled").details)


def test_cancel_takes_effect_at_once_though_the_session_says_nothing_c18() -> None:
    run_id = launch(runtime=SILENT)

    async def scene() -> float:
        async with an_observer():
            await has_status(run_id, "running")
            began = time.monotonic()
            row = await beside(cancel, run_id, reason="enough")
            assert row.status == "cancelled"
            return time.monotonic() - began

    assert asyncio.run(scene()) < AT_ONCE_SECONDS
    assert (certificate(run_id)["code"], certificate(run_id)["decidedBy"]) == ("cancelled", "api")
    assert evidence(run_id)["runtimeAsked"] == "SESSION_STATE_CANCELLED"
    assert types_of(run_id)[-2:] == ["session.state.changed", "run.cancelled"]
    assert_invariants()


def test_what_was_said_before_the_cancel_is_in_the_log_and_nothing_is_missing() -> None:
    options = {"scenario": "load", "events": 100_000, "ratePerSecond": 1_000}
    run_id = launch(runtime={"kind": "scripted", "options": options})

    async def scene() -> None:
        async with an_observer():
            await becomes(lambda: Run.objects.get(id=run_id).session.cursor > 100)
            assert (await beside(cancel, run_id)).status == "cancelled"

    asyncio.run(scene())
    received = Event.objects.filter(run_id=run_id, type="message.received").count()
    assert received == evidence(run_id)["runtimeCursor"] == fresh(Run.objects.get(id=run_id)).session.cursor
    assert evidence(run_id)["missing"] is None
    assert not LateObservation.objects.filter(run_id=run_id).exists()
    assert_invariants()


def test_a_suspended_run_is_cancelled_too() -> None:
    run_id = launch(runtime=SILENT)

    async def scene() -> None:
        async with an_observer():
            await has_status(run_id, "running")
            await beside(suspend, run_id)
            assert (await beside(cancel, run_id)).status == "cancelled"

    asyncio.run(scene())
    assert "run.suspended" in types_of(run_id)
    assert_invariants()


def test_a_cancelled_run_is_cancelled_again_without_a_trace() -> None:
    run = queued_run()
    first = cancel(run.id)
    assert cancel(run.id) == first
    assert AuditEntry.objects.filter(action="run.cancelled").count() == 1
    assert_invariants()


@pytest.mark.parametrize(("state", "status"), [("RESOLVED", "completed"), ("EXPIRED", "failed")])
def test_a_run_that_ended_otherwise_cannot_be_cancelled_and_both_statuses_are_named_b22(
    state: str, status: str
) -> None:
    run = running_run()
    verdict = verdict_of(f"SESSION_STATE_{state}")
    assert verdict is not None
    end_run(run.id, verdict, epoch=None)

    with pytest.raises(RunEnded) as refused:
        cancel(run.id)
    assert refused.value.details == {"from": status, "to": "cancelled"}
    assert refused.value.message == f"run is {status} and cannot be cancelled"
    assert not AuditEntry.objects.exists()


def test_a_run_of_another_project_is_not_found() -> None:
    run = queued_run()
    with pytest.raises(RunNotFound):
        cancel(run.id, project_id=uuid4())
    assert fresh(run).status == "queued"


def test_a_session_that_an_agent_opened_is_not_ours_to_cancel() -> None:
    run_id = launch(session=agent_session())
    bind(run_id)
    before = types_of(run_id)

    with pytest.raises(InvalidTransition) as refused:
        cancel(run_id)
    assert refused.value.details["reason"] == "no_cancel_route"
    assert "cancelCallback" in refused.value.message
    # It should leave nothing behind.
    assert Run.objects.get(id=run_id).wanted is None
    assert types_of(run_id) == before
    assert not AuditEntry.objects.filter(action="run.cancelled").exists()


def test_before_its_session_is_bound_such_a_run_can_be_cancelled() -> None:
    run_id = launch(session=agent_session())
    assert cancel(run_id).status == "cancelled"
    assert_invariants()


@pytest.mark.parametrize(
    "metadata", [{"cancellationDelegated": True}, {"cancelCallback": {"url": "https://agent.example/cancel"}}]
)
def test_an_agent_may_delegate_the_cancel_or_name_a_callback(metadata: dict[str, object]) -> None:
    run_id = launch(session=agent_session(**metadata))
    bind(run_id)
    # Nobody owns it, so it ends without asking; what matters is that the way is open.
    assert cancel(run_id, unowned_s=0).status == "cancelled"


def lose_nobody(observer: UUID) -> None:
    Run.objects.filter(observer_id=observer).update(observer_id=None)


def lose_by_declaration(observer: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE runs_observer SET lost_at = clock_timestamp() WHERE id = %s", [observer])


def lose_by_silence(observer: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE runs_observer SET beat_at = clock_timestamp() - interval '1 hour' WHERE id = %s", [observer]
        )


@pytest.mark.parametrize("lose", [lose_nobody, lose_by_declaration, lose_by_silence])
def test_a_run_without_a_living_owner_is_ended_under_a_lease_taken_for_it(lose: Any) -> None:
    run, observer = owned_run()
    lose(observer)
    row = cancel(run.id, unowned_s=0.1)

    assert row.status == "cancelled"
    assert (fresh(run).lease_epoch, fresh(run).observer_id) == (run.lease_epoch + 1, None)
    assert certificate(run.id)["decidedBy"] == "api"
    assert evidence(run.id)["leaseEpoch"] == run.lease_epoch + 1
    # It should fence whoever had been the owner, even if only the beats had stopped.
    with pytest.raises((Fenced, RunEnded)):
        end_run(run.id, Verdict(code=EndingCode.SESSION_LOST), epoch=run.lease_epoch)
    assert_invariants()


@override_settings(RUNTIME_REQUEST_TIMEOUT_MS=200)
def test_an_owner_that_takes_too_long_is_not_waited_for_and_may_still_cancel() -> None:
    run, _ = owned_run()
    with pytest.raises(RuntimeTimedOut):
        cancel(run.id, unowned_s=0)

    assert (fresh(run).wanted, fresh(run).wanted_by, fresh(run).wanted_through) == ("cancel", "tester", "api")
    assert not fresh(run).has_ended


def test_two_who_cancel_at_once_wait_for_the_same_ending() -> None:
    run_id = launch(runtime=SILENT)

    async def scene() -> None:
        async with an_observer():
            await has_status(run_id, "running")
            first, second = await asyncio.gather(beside(cancel, run_id), beside(cancel, run_id))
            assert first == second

    asyncio.run(scene())
    assert_invariants()


def test_a_cancel_takes_the_place_of_whatever_else_was_wanted() -> None:
    run, observer = owned_run()

    async def scene() -> None:
        waiting = asyncio.create_task(beside(suspend, run.id))
        await becomes(lambda: fresh(run).wanted == "suspend")
        cancelling = asyncio.create_task(beside(cancel, run.id, unowned_s=0.5))
        with pytest.raises(Conflict):
            await waiting
        # It should refuse everything else from then on.
        for other in (suspend, resume):
            with pytest.raises(Conflict):
                await beside(other, run.id)
        await rows(lose_nobody, observer)
        assert (await cancelling).status == "cancelled"

    asyncio.run(scene())
    assert_invariants()


def test_a_cancelled_run_never_becomes_active_again_b08() -> None:
    run, observer = owned_run()
    lose_nobody(observer)
    cancel(run.id, unowned_s=0)
    before = types_of(run.id)

    for operation in (suspend, resume):
        with pytest.raises(RunEnded) as refused:
            operation(run.id)
        assert refused.value.details["from"] == "cancelled"
    resumed = run_event(run.id, EventType.RUN_RESUMED, "running")
    for epoch in (None, run.lease_epoch, run.lease_epoch + 1):
        with pytest.raises(RunEnded):
            record(run.id, [resumed, envelope(1)], epoch=epoch)
    quarantine(run.id, [envelope(1)])

    assert (types_of(run.id), fresh(run).status, fresh(run).late_count) == (before, "cancelled", 1)
    assert lease.claim(lease.register(), 10) == []
    assert_invariants()


@pytest.mark.parametrize(
    "code", [EndingCode.PROGRESS_TIMEOUT, EndingCode.RUNTIME_UNREACHABLE, EndingCode.INTERNAL_ERROR]
)
def test_whoever_ends_a_run_that_is_to_be_cancelled_writes_cancelled_l09(code: EndingCode) -> None:
    run = running_run(wanted="cancel", wanted_through="operator")
    end_run(run.id, Verdict(code=code, message="something else", cleanup_errors=("CancelSession: no",)), epoch=None)

    assert fresh(run).status == "cancelled"
    ending = certificate(run.id)
    assert (ending["code"], ending["decidedBy"]) == ("cancelled", "operator")
    assert ending["error"] == {"message": None, "runtimeCode": None, "cleanupErrors": ["CancelSession: no"]}
    assert_invariants()


@pytest.mark.parametrize(
    ("state", "code", "by"),
    [
        ("SESSION_STATE_RESOLVED", "resolved", "runtime"),
        ("SESSION_STATE_EXPIRED", "session_expired", "runtime"),
        ("SESSION_STATE_CANCELLED", "cancelled", "api"),
    ],
)
def test_only_a_session_that_was_over_by_itself_decides_otherwise(state: str, code: str, by: str) -> None:
    run = running_run(wanted="cancel", wanted_through="api")
    verdict = verdict_of(state)
    assert verdict is not None
    end_run(run.id, verdict, epoch=None)

    assert (certificate(run.id)["code"], certificate(run.id)["decidedBy"]) == (code, by)
    assert evidence(run.id)["runtimeAsked"] == state
    assert_invariants()


def test_an_accepted_commitment_stands_in_for_a_session_that_is_gone() -> None:
    run = running_run(wanted="cancel", wanted_through="api")
    verdict = Verdict(code=EndingCode.RESOLVED, runtime_asked="SESSION_NOT_FOUND", commitment_seq=4)
    end_run(run.id, verdict, epoch=None)
    assert fresh(run).status == "completed"


def test_a_session_reported_cancelled_ends_the_run_as_cancelled_c21() -> None:
    run = running_run()
    verdict = verdict_of("SESSION_STATE_CANCELLED")
    assert verdict is not None
    end_run(run.id, verdict, epoch=None)

    assert fresh(run).status == "cancelled"
    assert (certificate(run.id)["code"], certificate(run.id)["decidedBy"]) == ("session_cancelled", "runtime")
