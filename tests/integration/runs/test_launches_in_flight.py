"""Launches and re-attaches in flight are bounded; a cancel is looked at in between, and every place is free again (T13)."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from pytest_django.fixtures import Settings

from runs.bridge import rows
from runs.domain.events import Observation, SessionState
from runs.models import Run
from runs.observer import launch_steps, session
from runs.observer.owned import OwnedRun
from runs.observer.supervisor import Observer
from runs.runtimes.port import RuntimeInfo
from tests.cast import envelope, fresh, session_now
from tests.integration.runs.test_observe_run import becomes_true, launch
from tests.integration.runs.test_observer_loops import Beside
from tests.invariants import types_of
from tests.played import OPENED, Line, Silence
from tests.puppet import START, Puppet, Stage
from tests.runtime_process import StandInRuntime
from tests.settling import ending_of
from tests.steered import cancel
from tests.underway import launched, running

pytestmark = pytest.mark.django_db(transaction=True)

LIMIT = 3
RUNS = 12


@pytest.fixture
def slow_runtime(settings: Settings) -> Iterator[StandInRuntime]:
    """A runtime that takes its time, to which the settings lead; it is gone afterwards."""
    slow = ("Initialize=0.05", "Start=0.05", "StreamSession=0.1")
    runtime = StandInRuntime("--script", "none", *(word for one in slow for word in ("--slow", one)))
    settings.RUNTIME_ADDRESS = runtime.address
    settings.RUNTIME_ALLOW_INSECURE = settings.RUNTIME_DEV_SENDERS = True
    yield runtime
    runtime.child.kill()


async def every_place_is_free(observer: Observer) -> None:
    """So many may be taken again, and not one more."""
    await becomes_true(lambda: rows(lambda: {slots._value for slots in observer._slots._of_kind.values()} == {LIMIT}))


def test_no_more_launches_and_first_subscriptions_than_the_limit_are_in_flight_t13(
    slow_runtime: StandInRuntime, settings: Settings
) -> None:
    settings.OBSERVER_LAUNCH_CONCURRENCY = LIMIT
    for _ in range(RUNS):
        launch(runtime={"kind": "macp"})

    async def story() -> None:
        async with Beside() as beside:
            await becomes_true(lambda: rows(lambda: Run.objects.filter(status="running").count() == RUNS))
            await becomes_true(lambda: rows(lambda: slow_runtime.seen()["calls"]["StreamSession"] == RUNS))
            await every_place_is_free(beside.observer)

    asyncio.run(story())
    peaks = slow_runtime.seen()["peaks"]
    assert (peaks["launching"], peaks["attaching"]) == (LIMIT, LIMIT)


class AtTheGate(Puppet):
    """A session whose subscriptions do not stand before the gate opens."""

    def __init__(self, gate: asyncio.Event) -> None:
        super().__init__()
        self._gate = gate

    async def observe(self, after: int) -> AsyncIterator[Observation]:
        async for line in super().observe(after):
            await self._gate.wait()
            yield line


class NeverRead(Puppet):
    """A session that is over; nothing of it was read yet, and only `told` of its three envelopes can be.

    Of all that share `begun` the first to subscribe never gets a subscription that stands.
    """

    def __init__(self, told: int, begun: list[Puppet]) -> None:
        over = session_now(SessionState.CANCELLED, count=2)
        lines: list[Line] = [START, envelope(1), envelope(2)]
        super().__init__(states=[over], streams=[[OPENED, *lines[:told], Silence()]])
        self._begun = begun

    async def observe(self, after: int) -> AsyncIterator[Observation]:
        self._begun.append(self)
        if self._begun[0] is self:
            await asyncio.Event().wait()
        async for line in super().observe(after):
            yield line


def test_no_more_re_attaches_than_the_limit_are_in_flight_and_a_cancel_waits_for_none_of_them_t13(
    stage: Stage, settings: Settings
) -> None:
    settings.OBSERVER_LAUNCH_CONCURRENCY = LIMIT
    runs = [running() for _ in range(RUNS)]
    Run.objects.update(observer_id=None)

    def begun() -> list[Run]:
        return [run for run in runs if stage.session(str(run.session_id)).subscribed]

    async def story() -> Run:
        gate = asyncio.Event()
        stage.sessions |= {str(run.session_id): AtTheGate(gate) for run in runs}
        async with Beside() as beside:
            await becomes_true(lambda: rows(lambda: len(begun()) == LIMIT))
            waiting = next(run for run in runs if run not in begun())
            await rows(cancel, waiting.id)
            assert len(begun()) == LIMIT
            gate.set()
            await becomes_true(lambda: rows(lambda: len(begun()) == RUNS - 1))
            await every_place_is_free(beside.observer)
            return waiting

    cancelled = asyncio.run(story())
    assert fresh(cancelled).status == "cancelled"
    assert not stage.session(str(cancelled.session_id)).subscribed
    assert {puppet.handles for puppet in stage.sessions.values()} == {0}


def test_a_run_that_only_waits_for_its_turn_is_forgiven_no_attempt_t13(
    stage: Stage, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OBSERVER_LAUNCH_CONCURRENCY = 1
    monkeypatch.setattr(session, "FORGIVEN_AFTER_SECONDS", 0.1)
    runs = [running(), running()]
    Run.objects.update(observer_id=None, recovery_attempts=3)

    def waiting() -> list[Run]:
        return [run for run in runs if not stage.session(str(run.session_id)).subscribed]

    async def story() -> None:
        gate = asyncio.Event()
        stage.sessions |= {str(run.session_id): AtTheGate(gate) for run in runs}
        async with Beside():
            await becomes_true(lambda: rows(lambda: len(waiting()) == 1))
            await rows(cancel, waiting()[0].id)  # which takes longer than it takes to be forgiven

    asyncio.run(story())
    # It should be true of the run at the gate, too: its subscription has never stood.
    assert [fresh(run).recovery_attempts for run in runs] == [3, 3]


def test_a_runtime_whose_subscriptions_take_long_holds_no_run_of_another_one_up_t13(
    stage: Stage, settings: Settings
) -> None:
    settings.OBSERVER_LAUNCH_CONCURRENCY = 1
    held, other = running(), launched(runtime={"kind": "scripted"})
    Run.objects.update(observer_id=None)

    async def story() -> None:
        stage.sessions[str(held.session_id)] = puppet = AtTheGate(asyncio.Event())
        async with Beside():
            await becomes_true(lambda: rows(lambda: bool(puppet.subscribed)))
            await becomes_true(lambda: rows(lambda: fresh(other).status in ("running", "completed")))
            assert stage.session(str(held.session_id)).handles == 1

    asyncio.run(story())


@pytest.mark.parametrize(
    ("told", "missing"), [(3, None), (2, {"afterOrdinal": 2, "reason": "compacted"})], ids=["whole", "with a gap"]
)
def test_what_a_session_still_holds_is_read_although_its_run_is_cancelled_while_it_waits_for_its_turn_t13(
    told: int, missing: object, stage: Stage, settings: Settings
) -> None:
    settings.OBSERVER_LAUNCH_CONCURRENCY = 1
    runs = [running(), running()]
    Run.objects.update(observer_id=None)
    begun: list[Puppet] = []

    async def story() -> Run:
        stage.sessions |= {str(run.session_id): NeverRead(told, begun) for run in runs}
        async with Beside():
            await becomes_true(lambda: rows(lambda: len(begun) == 1))
            waiting = next(run for run in runs if stage.session(str(run.session_id)) not in begun)
            await rows(cancel, waiting.id)
            return waiting

    cancelled = asyncio.run(story())
    ending = ending_of(cancelled)
    assert (ending["code"], ending["decidedBy"]) == ("cancelled", "api")
    assert (ending["evidence"]["missing"], ending["evidence"]["runtimeCursor"]) == (missing, told)
    assert ending["evidence"]["sessionState"] == ending["evidence"]["runtimeAsked"] == "SESSION_STATE_CANCELLED"
    assert types_of(cancelled.id).count("message.received") == told


def test_a_run_that_is_cancelled_while_it_waits_for_its_turn_is_not_launched_t13(
    stage: Stage, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OBSERVER_LAUNCH_CONCURRENCY = LIMIT
    runs = [launched() for _ in range(RUNS)]
    cancelled, prepare = runs[-1], launch_steps.store_runtime

    def prepare_and_cancel(run: OwnedRun, info: RuntimeInfo, start: bytes | None) -> bytes | None:
        stored = prepare(run, info, start)
        if run.id == cancelled.id:
            cancel(run.id)
        return stored

    monkeypatch.setattr(launch_steps, "store_runtime", prepare_and_cancel)

    async def story() -> None:
        async with Beside() as beside:
            await becomes_true(lambda: rows(lambda: Run.objects.filter(status="running").count() == RUNS - 1))
            await becomes_true(lambda: rows(lambda: fresh(cancelled).status == "cancelled"))
            await every_place_is_free(beside.observer)

    asyncio.run(story())
    assert [run.id for run in runs if not stage.session(str(run.session_id)).started] == [cancelled.id]
    assert {puppet.handles for puppet in stage.sessions.values()} == {0}
