"""Suspending and resuming: the status moves when the runtime has agreed, and only from where it may (B22)."""

import asyncio
from uuid import uuid4

import pytest
from django.test import override_settings

from runs.domain.endings import verdict_of
from runs.domain.events import SessionState
from runs.ending import end_run
from runs.errors import Conflict, InvalidTransition, RunEnded, RunNotFound, RuntimeTimedOut, RuntimeUnavailable
from runs.models import AuditEntry, Event, RawObservation, Run
from runs.recorder import record
from tests.cast import fresh, queued_run, running_run, session_now
from tests.integration.runs.test_cancel_run import SILENT, lose_nobody, owned_run
from tests.integration.runs.test_observe_run import launch
from tests.invariants import assert_invariants, types_of
from tests.steered import an_observer, answer_in, becomes, beside, has_status, resume, suspend

pytestmark = pytest.mark.django_db(transaction=True)


def suspended_run() -> Run:
    run = running_run()
    record(run.id, [session_now(SessionState.SUSPENDED)], epoch=None)
    return fresh(run)


def test_a_run_stands_still_and_goes_on_as_asked() -> None:
    options = {"scenario": "load", "events": 100_000, "ratePerSecond": 500}
    run_id = launch(runtime={"kind": "scripted", "options": options})

    def cursor() -> int:
        return Run.objects.get(id=run_id).session.cursor

    async def scene() -> None:
        async with an_observer():
            await becomes(lambda: cursor() > 20)
            assert (await beside(suspend, run_id, reason="lunch")).status == "suspended"
            assert (await beside(suspend, run_id)).status == "suspended"
            assert (await beside(resume, run_id, reason="coffee")).status == "running"
            stood = await asyncio.to_thread(cursor)
            await becomes(lambda: cursor() > stood)

    asyncio.run(scene())
    for kind, reason in (("run.suspended", "lunch"), ("run.resumed", "coffee")):
        event = Event.objects.get(run_id=run_id, type=kind)
        assert f'"reason":"{reason}"' in event.data
        details = AuditEntry.objects.get(action=kind).details
        assert (set(details), details["reason"]) == ({"reason", "wantedAt"}, reason)
    assert not AuditEntry.objects.filter(action__endswith="_refused").exists()
    assert RawObservation.objects.filter(run_id=run_id, kind="send-ack").count() == 2
    assert Run.objects.get(id=run_id).wanted is None
    assert answer_in(run_id)["ok"] is True
    assert_invariants()


@pytest.mark.parametrize(("operation", "status"), [(suspend, "suspended"), (resume, "running")])
def test_a_run_that_is_there_already_is_left_as_it_is_b22(operation: object, status: str) -> None:
    run = suspended_run() if status == "suspended" else running_run()
    before = types_of(run.id)
    row = operation(run.id)  # type: ignore[operator]

    assert (row.status, types_of(run.id)) == (status, before)
    assert fresh(run).wanted is None
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("operation", "aim", "done"), [(suspend, "suspended", "suspended"), (resume, "running", "resumed")]
)
def test_from_anywhere_else_it_is_refused_and_both_statuses_are_named_b22(
    operation: object, aim: str, done: str
) -> None:
    run = queued_run()
    with pytest.raises(InvalidTransition) as refused:
        operation(run.id)  # type: ignore[operator]
    assert refused.value.details == {"from": "queued", "to": aim}
    assert refused.value.message == f"run is queued and cannot be {done}"

    verdict = verdict_of("SESSION_STATE_EXPIRED")
    assert verdict is not None
    end_run(run.id, verdict, epoch=None)
    with pytest.raises(RunEnded) as ended:
        operation(run.id)  # type: ignore[operator]
    assert ended.value.details == {"from": "failed", "to": aim}


def test_a_run_of_another_project_is_not_found() -> None:
    run = running_run()
    with pytest.raises(RunNotFound):
        suspend(run.id, project_id=uuid4())


def test_without_a_living_owner_nothing_happens_and_nothing_is_wanted_any_more() -> None:
    run, observer = owned_run()
    lose_nobody(observer)
    with pytest.raises(RuntimeUnavailable) as nobody:
        suspend(run.id, unowned_s=0.1)

    assert nobody.value.code == "RUNTIME_UNAVAILABLE"
    assert (fresh(run).wanted, fresh(run).lease_epoch) == (None, run.lease_epoch)
    assert answer_in(run.id)["errorCode"] == "RUNTIME_UNAVAILABLE"


@override_settings(RUNTIME_REQUEST_TIMEOUT_MS=200)
def test_an_owner_that_takes_too_long_may_still_do_it() -> None:
    run, _ = owned_run()
    with pytest.raises(RuntimeTimedOut):
        suspend(run.id)
    assert fresh(run).wanted == "suspend"


def test_who_wants_the_same_waits_for_the_same_answer() -> None:
    run, observer = owned_run()

    async def scene() -> None:
        first = asyncio.create_task(beside(suspend, run.id, unowned_s=0.3))
        await becomes(lambda: fresh(run).wanted == "suspend")
        second = asyncio.create_task(beside(suspend, run.id, unowned_s=10))
        await asyncio.to_thread(lose_nobody, observer)
        answers = await asyncio.gather(first, second, return_exceptions=True)
        # It should tell the second, who would have waited much longer, what the first was told.
        assert [getattr(answer, "code", answer) for answer in answers] == ["RUNTIME_UNAVAILABLE"] * 2

    asyncio.run(scene())
    # Each has asked for it, and each was refused.
    for action in ("run.suspended", "run.suspend_refused"):
        assert AuditEntry.objects.filter(action=action).count() == 2


def test_while_something_is_wanted_nothing_else_is_but_a_cancel() -> None:
    run = suspended_run()
    Run.objects.filter(id=run.id).update(wanted="resume")
    with pytest.raises(Conflict) as refused:
        suspend(run.id)
    assert (refused.value.code, refused.value.details) == ("CONFLICT", {"wanted": "resume"})


def test_a_run_that_ends_meanwhile_says_so() -> None:
    run, _ = owned_run()
    verdict = verdict_of("SESSION_STATE_RESOLVED")
    assert verdict is not None

    async def scene() -> None:
        waiting = asyncio.create_task(beside(suspend, run.id))
        await becomes(lambda: fresh(run).wanted == "suspend")
        await asyncio.to_thread(end_run, run.id, verdict, epoch=None)
        with pytest.raises(RunEnded) as ended:
            await waiting
        assert ended.value.details == {"from": "completed", "to": "suspended"}

    asyncio.run(scene())
    assert_invariants()


def test_a_wish_outlives_the_owner_that_found_it_and_the_next_one_carries_it_out() -> None:
    run_id = launch(runtime=SILENT)

    async def scene() -> None:
        async with an_observer():
            await has_status(run_id, "running")
        waiting = asyncio.create_task(beside(suspend, run_id, unowned_s=10))
        await becomes(lambda: Run.objects.get(id=run_id).wanted == "suspend")
        async with an_observer():
            assert (await waiting).status == "suspended"

    asyncio.run(scene())
    assert Run.objects.get(id=run_id).lease_epoch == 2
    assert_invariants()
