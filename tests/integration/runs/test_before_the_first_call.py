"""Before a runtime is called the obligation is committed; where it cannot be, or the run is over, nobody calls (L02, T11)."""

import asyncio
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError
from django.test import Client

from runs.bridge import rows
from runs.domain.endings import EndingCode, Verdict
from runs.ending import Questions, end_run
from runs.models import Observer, Run
from runs.models.identity import uuid7
from runs.observer import launch_steps, lease
from runs.observer.recovery import Recovered
from runs.observer.slots import Slots
from runs.observer.take_up import take_up
from runs.runtimes.port import RuntimeInfo
from runs.runtimes.registry import Runtimes
from tests.bodies import Body
from tests.cast import fresh
from tests.integration.runs.test_observe_run import becomes_true, body
from tests.integration.runs.test_observer_loops import Beside
from tests.invariants import types_of
from tests.puppet import KIND, Puppet, PuppetRuntime, Stage
from tests.underway import launched, taken

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 15


def was_called(stage: Stage, run: Run) -> bool:
    """Whether the runtime has heard anything of the run."""
    session = stage.session(str(run.session_id))
    return bool(stage.initialized or session.started or session.subscribed or session.asked or session.cancelled)


# -- what is owed is committed first


def obligation(run: Run) -> dict[str, object]:
    """What is on record for the run, as anybody sees it."""
    now = fresh(run)
    return {
        "owner lives": Observer.objects.filter(id=now.observer_id, lost_at=None).exists(),
        "epoch": now.lease_epoch,
        "has a deadline": now.admission_deadline is not None,
        "status": now.status,
        "start is stored": now.session.start_envelope is not None,
    }


def test_owner_lease_and_deadline_are_committed_before_the_runtime_is_called_l02(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = launched()
    seen: dict[str, dict[str, object]] = {}
    initialize = PuppetRuntime.initialize

    async def looking(runtime: PuppetRuntime) -> RuntimeInfo:
        seen["Initialize"] = await rows(obligation, run)
        return await initialize(runtime)

    class Looking(Puppet):
        async def start(self, start: bytes) -> Any:
            seen["SessionStart"] = await rows(obligation, run)
            return await super().start(start)

    monkeypatch.setattr(PuppetRuntime, "initialize", looking)
    stage.sessions[str(run.session_id)] = Looking()

    async def story() -> None:
        async with Beside():
            await becomes_true(lambda: rows(lambda: fresh(run).status == "running"))

    asyncio.run(story())
    owed = {"owner lives": True, "epoch": 1, "has a deadline": True, "status": "starting"}
    assert seen == {
        "Initialize": owed | {"start is stored": False},
        "SessionStart": owed | {"start is stored": True},
    }


async def carried_out(run: Run, owned: lease.Lease) -> None:
    """The run was taken up under this lease, and its owner has let go of it."""
    recovered: asyncio.Future[Recovered] = asyncio.get_running_loop().create_future()
    runtimes = Runtimes()
    async with asyncio.timeout(PATIENCE):
        observer = await take_up(owned, runtimes=runtimes, slots=Slots(), questions=Questions(), recovered=recovered)
        if observer is not None:
            await observer.run()
    await runtimes.close()


@pytest.mark.parametrize("fault", [OperationalError("the database is away"), DatabaseError("refused")])
@pytest.mark.parametrize(("step", "calls"), [("record_started", 0), ("store_runtime", 1)])
def test_where_a_step_cannot_be_stored_the_next_call_is_not_made_l02(
    step: str, calls: int, fault: Exception, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = launched()
    owned = lease.Lease(run.id, taken(run).epoch)

    def refused(*arguments: object, **more: object) -> None:
        raise fault

    monkeypatch.setattr(launch_steps, step, refused)
    asyncio.run(carried_out(run, owned))

    session = stage.session(str(run.session_id))
    assert (stage.initialized, session.started) == (calls, [])
    # What is merely away is no reason to end the run: whoever takes it next begins where it stands.
    assert fresh(run).has_ended is not isinstance(fault, OperationalError)


def test_a_run_that_could_not_be_claimed_is_not_launched_l02(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    run, refusals = launched(), []
    claim = lease.claim

    def refused(*arguments: object, **more: object) -> list[lease.Lease]:
        refusals.append(claim)
        raise OperationalError("the database is away")

    monkeypatch.setattr(lease, "claim", refused)

    async def story() -> None:
        async with Beside():
            await becomes_true(lambda: rows(lambda: len(refusals) > 1))

    asyncio.run(story())
    assert not was_called(stage, run)
    assert (fresh(run).status, fresh(run).lease_epoch) == ("queued", 0)


# -- a run that is over is not begun again


def over(code: EndingCode) -> tuple[Run, lease.Lease]:
    """A run that ended before its owner came to it, and the lease of that owner."""
    run = launched()
    owned = lease.Lease(run.id, taken(run).epoch)
    end_run(run.id, Verdict(code=code), epoch=None)
    return fresh(run), owned


@pytest.mark.parametrize("code", [EndingCode.CANCELLED, EndingCode.NEVER_STARTED])
def test_the_owner_of_a_run_that_is_over_does_not_launch_it_t11(code: EndingCode, stage: Stage) -> None:
    run, owned = over(code)
    before = types_of(run.id)
    asyncio.run(carried_out(run, owned))

    assert not was_called(stage, run)
    assert types_of(run.id) == before


def test_no_observer_takes_a_run_that_is_over_t11(stage: Stage) -> None:
    run, _ = over(EndingCode.CANCELLED)
    Run.objects.filter(id=run.id).update(observer_id=None)  # as if its owner had handed it back
    assert lease.claim(lease.register(), 10, by_hand=True) == []
    assert lease.claim(lease.register(), 1, only=run.id) == []
    other = launched()

    async def story() -> None:
        async with Beside():
            await becomes_true(lambda: rows(lambda: fresh(other).status == "running"))

    asyncio.run(story())
    assert not stage.session(str(run.session_id)).started
    assert fresh(run).lease_epoch == run.lease_epoch


STEERED: dict[str, Body] = {
    "messages": {"from": "lead", "to": ["alice"], "messageType": "Note", "payload": {"text": "go on"}},
    "signal": {"from": "lead", "to": ["alice"], "messageType": "Alarm", "severity": "high", "payload": {"why": "cost"}},
    "context": {"from": "lead", "context": {"more": 1}},
    "suspend": {},
    "resume": {},
}


@pytest.mark.parametrize("route", STEERED)
def test_nothing_of_a_run_that_is_over_is_asked_of_its_runtime_t11(route: str, stage: Stage, caller: Client) -> None:
    run, _ = over(EndingCode.CANCELLED)
    before = types_of(run.id)
    response = caller.post(f"/runs/{run.id}/{route}", STEERED[route], content_type="application/json")

    assert (response.status_code, response.json()["errorCode"]) == (409, "INVALID_STATE_TRANSITION")
    assert not was_called(stage, run)
    assert types_of(run.id) == before


def test_the_request_of_a_run_that_is_over_names_it_and_launches_nothing_t11(stage: Stage, caller: Client) -> None:
    request = body(runtime={"kind": KIND}, execution={"idempotencyKey": str(uuid7())})

    def post() -> Body:
        answer: Body = caller.post("/runs", request, content_type="application/json").json()
        return answer

    first = post()
    run = Run.objects.get(id=first["runId"])
    end_run(run.id, Verdict(code=EndingCode.CANCELLED), epoch=None)

    assert post() == first | {"status": "cancelled"}
    assert Run.objects.count() == 1
    assert not was_called(stage, run)
