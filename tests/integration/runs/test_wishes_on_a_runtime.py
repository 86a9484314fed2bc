"""Cancel, suspend and resume on a runtime of its own process: over gRPC, with its refusals and its absence."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django.fixtures import Settings

from runs.errors import RuntimeRejected, RuntimeUnavailable, RuntimeUnsupported
from runs.models import Event, Run
from runs.runtimes.macp.client import MacpRuntime
from runs.runtimes.macp.settings import MacpSettings
from runs.runtimes.port import Participant, SessionPlan
from tests.integration.runs.test_observe_run import body, launch
from tests.invariants import assert_invariants, types_of
from tests.plans import a_plan
from tests.runtime_process import StandInRuntime
from tests.steered import an_observer, becomes, beside, cancel, certificate, evidence, has_status, resume, suspend

pytestmark = pytest.mark.django_db(transaction=True)

Start = Callable[..., StandInRuntime]


@pytest.fixture
def start_runtime(settings: Settings) -> Iterator[Start]:
    """Starts the runtime that the settings name from then on; it is gone afterwards."""
    started: list[StandInRuntime] = []

    def start(*options: str) -> StandInRuntime:
        runtime = StandInRuntime(*options)
        started.append(runtime)
        settings.RUNTIME_ADDRESS = runtime.address
        settings.RUNTIME_ALLOW_INSECURE = True
        settings.RUNTIME_DEV_SENDERS = True
        settings.RUNTIME_REQUEST_TIMEOUT_MS = 15_000
        return runtime

    yield start
    for runtime in started:
        runtime.child.kill()


def on_a_runtime(**changes: object) -> UUID:
    return launch(runtime={"kind": "macp"}, **changes)


def test_the_runtime_cancels_and_the_run_is_cancelled_at_once(start_runtime: Start) -> None:
    start_runtime("--script", "none")
    run_id = on_a_runtime()

    async def scene() -> None:
        async with an_observer():
            await has_status(run_id, "running")
            assert (await beside(cancel, run_id, reason="enough")).status == "cancelled"

    asyncio.run(scene())
    assert (certificate(run_id)["code"], certificate(run_id)["decidedBy"]) == ("cancelled", "api")
    assert evidence(run_id)["runtimeAsked"] == "SESSION_STATE_CANCELLED"
    assert evidence(run_id)["missing"] is None
    assert_invariants()


def test_a_cancel_in_the_middle_of_many_messages_loses_none(start_runtime: Start) -> None:
    start_runtime("--script", "load", "--events", "5000", "--rate", "500")
    run_id = on_a_runtime()

    async def scene() -> None:
        async with an_observer():
            await becomes(lambda: Run.objects.get(id=run_id).session.cursor > 50)
            assert (await beside(cancel, run_id)).status == "cancelled"

    asyncio.run(scene())
    assert Event.objects.filter(run_id=run_id, type="message.received").count() == evidence(run_id)["runtimeCursor"]
    assert_invariants()


def test_the_runtime_suspends_and_resumes(start_runtime: Start) -> None:
    start_runtime("--script", "none")
    run_id = on_a_runtime()

    async def scene() -> None:
        async with an_observer():
            await has_status(run_id, "running")
            for _ in range(2):
                assert (await beside(suspend, run_id, reason="lunch")).status == "suspended"
                assert (await beside(resume, run_id)).status == "running"

    asyncio.run(scene())
    assert types_of(run_id).count("run.suspended") == types_of(run_id).count("run.resumed") == 2
    assert_invariants()


def test_what_the_runtime_lacks_is_said_and_the_run_goes_on(start_runtime: Start) -> None:
    start_runtime("--script", "none", "--without", "SuspendSession", "--without", "CancelSession")
    run_id = on_a_runtime()

    async def scene() -> None:
        async with an_observer():
            await has_status(run_id, "running")
            for operation in (suspend, cancel):
                with pytest.raises(RuntimeUnsupported):
                    await beside(operation, run_id)

    asyncio.run(scene())
    run = Run.objects.get(id=run_id)
    assert (run.status, run.wanted) == ("running", None)
    assert_invariants()


def test_what_the_runtime_does_not_let_us_do_is_refused_and_the_run_goes_on(
    start_runtime: Start, settings: Settings
) -> None:
    runtime = start_runtime("--script", "none")
    session_id = str(uuid4())
    asyncio.run(_opened_by_an_agent(runtime, session_id))
    # From here on Signalbox is itself, a participant that holds nobody else's credential.
    settings.RUNTIME_DEV_SENDERS = False
    session: dict[str, Any] = body()["session"]  # type: ignore[assignment]
    session = {**session, "opener": "agent", "sessionId": session_id, "metadata": {"cancellationDelegated": True}}
    run_id = on_a_runtime(session=session)

    async def scene() -> None:
        async with an_observer():
            await has_status(run_id, "running")
            for operation in (suspend, cancel):
                with pytest.raises(RuntimeRejected) as refused:
                    await beside(operation, run_id)
                assert refused.value.code == "RUNTIME_REJECTED"
                assert refused.value.details == {"runtimeCode": "FORBIDDEN"}

    asyncio.run(scene())
    run = Run.objects.get(id=run_id)
    assert (run.status, run.wanted) == ("running", None)
    assert_invariants()


async def _opened_by_an_agent(runtime: StandInRuntime, session_id: str) -> None:
    adapter = MacpRuntime(MacpSettings(address=runtime.address, allow_insecure=True, dev_senders=True))
    people = tuple(Participant(id=name) for name in ("lead", "alice", "bob", "control-plane"))
    plan: SessionPlan = a_plan(run_id=str(uuid4()), session_id=session_id, opener="agent", participants=people)
    session = adapter.attach(plan, adapter_state=None)
    assert (await session.start(adapter.encode_start(plan))).ack.ok
    await adapter.close()


def test_a_runtime_that_is_away_holds_up_no_cancel_and_no_answer_l09(start_runtime: Start) -> None:
    runtime = start_runtime("--script", "none")
    run_id = on_a_runtime()

    async def scene() -> None:
        async with an_observer():
            await has_status(run_id, "running")
            runtime.child.kill()
            with pytest.raises(RuntimeUnavailable):
                await beside(suspend, run_id)
            assert (await beside(cancel, run_id)).status == "cancelled"

    asyncio.run(scene())
    assert (certificate(run_id)["code"], certificate(run_id)["decidedBy"]) == ("cancelled", "api")
    assert evidence(run_id)["runtimeAsked"] == "no_answer"
    error = certificate(run_id)["error"]
    assert isinstance(error, dict)
    assert len(error["cleanupErrors"]) == 1
    assert_invariants()


def test_the_next_owner_finds_a_pending_cancel_even_if_the_session_was_cancelled_before(start_runtime: Start) -> None:
    runtime = start_runtime("--script", "none")
    run_id = on_a_runtime()

    async def scene() -> None:
        async with an_observer():
            await has_status(run_id, "running")
        waiting = asyncio.create_task(beside(cancel, run_id, unowned_s=10))
        await becomes(lambda: Run.objects.get(id=run_id).wanted == "cancel")
        # Its former owner had got this far.
        await _cancelled_at_the_runtime(runtime, Run.objects.values_list("session_id", flat=True), run_id)
        async with an_observer():
            assert (await waiting).status == "cancelled"

    asyncio.run(scene())
    assert (certificate(run_id)["code"], certificate(run_id)["decidedBy"]) == ("cancelled", "api")
    assert_invariants()


async def _cancelled_at_the_runtime(runtime: StandInRuntime, sessions: Any, run_id: UUID) -> None:
    session_id = await asyncio.to_thread(sessions.get, id=run_id)
    adapter = MacpRuntime(MacpSettings(address=runtime.address, allow_insecure=True, dev_senders=True))
    plan = a_plan(run_id=str(run_id), session_id=session_id)
    assert (await adapter.attach(plan, adapter_state=None).cancel("")).ack.ok
    await adapter.close()
