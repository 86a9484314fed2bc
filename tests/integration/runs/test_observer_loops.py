"""An observer's own loops and tasks: what dies is started again, and nothing is left of a run that is over."""

import asyncio
import gc
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError
from pytest_django.fixtures import Settings

from runs.bridge import rows
from runs.models import Run
from runs.observer import supervisor
from runs.observer.intake import Intake
from runs.observer.reader import SessionReader
from runs.observer.session import RunObserver
from runs.observer.supervisor import Observer, Watched
from runs.runtimes.macp.session import MacpSession
from runs.runtimes.scripted.session import ScriptedSession
from tests.cast import fresh
from tests.crowd import crowd_of
from tests.integration.runs.test_observe_run import becomes_true, launch
from tests.played import OPENED, Silence
from tests.puppet import Puppet, Stage
from tests.runtime_process import StandInRuntime
from tests.underway import launched

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_SECONDS = 120
OF_A_RUN = (RunObserver, SessionReader, Intake, Watched, ScriptedSession, MacpSession)


class Beside:
    """An observer under test in the loop of the test; leaving it stops it politely."""

    async def __aenter__(self) -> "Beside":
        self.observer = Observer()
        self._stop = asyncio.Event()
        self._running = asyncio.create_task(self.observer.run(self._stop))
        return self

    async def __aexit__(self, *details: object) -> None:
        self._stop.set()
        await asyncio.wait_for(self._running, 20)


# -- what dies is started again


@pytest.mark.parametrize("fault", [KeyError("a defect"), DatabaseError("refused")])
@pytest.mark.parametrize(
    ("name", "broken"),
    [("work", "ordered_runs"), ("sweep", "lease.owned_by"), ("clean-ups", "_until_the_next_sweep")],
)
def test_a_loop_that_raises_is_logged_counted_and_started_again(
    name: str, broken: str, fault: Exception, stage: Stage, settings: Settings, monkeypatch: Any, caplog: Any
) -> None:
    settings.OBSERVER_SWEEP_S = 1
    monkeypatch.setattr(supervisor, "AGAIN_AFTER_SECONDS", 0.01)
    calls: Counter[str] = Counter()
    owner, _, attribute = broken.rpartition(".")
    target = getattr(supervisor, owner) if owner else supervisor
    intact = getattr(target, attribute)

    def twice_broken(*arguments: object) -> object:
        calls[broken] += 1
        if calls[broken] <= 2:
            raise fault
        return intact(*arguments)

    monkeypatch.setattr(target, attribute, twice_broken)

    async def story() -> Counter[str]:
        async with Beside() as beside:
            await becomes_true(lambda: rows(lambda: calls[broken] > 2))
            run = await rows(launched)
            await becomes_true(lambda: rows(lambda: fresh(run).status == "running"))
            return beside.observer.faults

    with caplog.at_level(logging.WARNING, "signalbox.observer"):
        faults = asyncio.run(story())
    assert sum(faults.values()) == 2
    told = [record.getMessage() for record in caplog.records if record.name == "signalbox.observer"]
    assert len(told) == 2
    assert all(one.startswith((f"{name} ", f"{name}:", "sweep ", "sweep:", "clean-ups")) for one in told)


def test_a_task_that_died_is_restarted_by_the_next_sweep_under_the_same_lease(stage: Stage, settings: Settings) -> None:
    settings.OBSERVER_SWEEP_S = 1
    run = launched()
    stage.sessions[str(run.session_id)] = puppet = Puppet(streams=[[OPENED, Silence()]])

    async def story() -> None:
        async with Beside() as beside:
            await becomes_true(lambda: rows(lambda: fresh(run).status == "running"))
            watched = beside.observer._watched[run.id]
            watched.task.cancel()
            await becomes_true(lambda: rows(lambda: len(puppet.subscribed) == 2))
            assert beside.observer._watched[run.id] is not watched

    asyncio.run(story())
    assert (fresh(run).lease_epoch, fresh(run).recovery_attempts) == (1, 0)
    assert puppet.handles == 0


def test_a_task_of_a_run_that_is_somebody_elses_now_is_cancelled(stage: Stage, settings: Settings) -> None:
    settings.OBSERVER_SWEEP_S = 1
    run = launched()
    stage.sessions[str(run.session_id)] = puppet = Puppet(streams=[[OPENED, Silence()]])

    async def story() -> None:
        async with Beside() as beside:
            await becomes_true(lambda: rows(lambda: fresh(run).status == "running"))
            await rows(Run.objects.filter(id=run.id).update, observer_id=run.id, lease_epoch=2)
            await becomes_true(lambda: rows(lambda: run.id not in beside.observer._watched))

    asyncio.run(story())
    assert puppet.handles == 0


# -- nothing is left


def objects_of_runs() -> list[object]:
    """The objects that belong to one run and are alive, in this whole process."""
    gc.collect()
    return [one for one in gc.get_objects() if type(one) in OF_A_RUN]


@pytest.fixture(autouse=True)
def elsewhere() -> Iterator[None]:
    """What other tests of this process left in their loops is none of ours."""
    ELSEWHERE[:] = objects_of_runs()
    yield
    ELSEWHERE.clear()


ELSEWHERE: list[object] = []


def left_of_runs() -> dict[str, int]:
    """What of the objects that belong to one run is still alive."""
    others = {id(one) for one in ELSEWHERE}
    return dict(Counter(type(one).__name__ for one in objects_of_runs() if id(one) not in others))


async def timers() -> int:
    """Timers of the loop that would still fire."""
    scheduled = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
    return sum(not timer.cancelled() for timer in scheduled)


async def settled_to(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await rows(condition):
            await asyncio.sleep(0.05)


async def nothing_is_left_of_runs() -> None:
    """Every object of a run goes, and soon: the clean-up of the last one may still hold its session."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while left := left_of_runs():
        assert asyncio.get_running_loop().time() < deadline, left
        await asyncio.sleep(0.05)


async def assert_nothing_is_left(observer: Observer, *, tasks: int) -> None:
    """The observer is as it was before it had any run: its loops, and whatever timers they wait for."""
    await becomes_true(lambda: rows(lambda: not observer._watched))
    await settled_to(lambda: not Run.objects.filter(cleanup_status="pending").exists())
    await nothing_is_left_of_runs()
    await becomes_true(lambda: rows(lambda: not observer._telling))
    assert observer._watched == {}
    names = [task.get_name() for task in asyncio.all_tasks()]
    assert not [name for name in names if name.startswith("run ")]
    assert len(names) <= tasks
    assert await timers() <= tasks


RUNS = 1_000


@pytest.mark.slow
def test_after_a_thousand_runs_have_ended_the_observer_holds_nothing_of_them_b14(settings: Settings) -> None:
    run_id = launch(runtime={"kind": "scripted", "options": {"scenario": "load", "events": 1}})
    crowd_of(fresh(Run.objects.get(id=run_id)), RUNS - 1)

    async def story() -> None:
        async with Beside() as beside:
            before = len(asyncio.all_tasks())
            await settled_to(lambda: not Run.objects.filter(ending_seq=None).exists())
            await assert_nothing_is_left(beside.observer, tasks=before + 3)

    asyncio.run(story())
    assert Run.objects.filter(status="completed").count() == RUNS


@pytest.mark.slow
def test_after_a_thousand_runs_were_handed_back_nothing_is_left_of_them_b14(settings: Settings) -> None:
    quiet = {"kind": "scripted", "options": {"scenario": "load", "events": 9, "ratePerSecond": 0.001}}
    run_id = launch(runtime=quiet)
    crowd_of(fresh(Run.objects.get(id=run_id)), RUNS - 1)

    async def story() -> int:
        async with Beside():
            await settled_to(lambda: Run.objects.filter(status="running").count() == RUNS)
        assert left_of_runs() == {}
        return len(asyncio.all_tasks())

    assert asyncio.run(story()) == 1  # this one
    assert Run.objects.filter(observer_id=None, ending_seq=None).count() == RUNS


def test_a_real_channel_holds_no_call_of_a_run_that_is_over_b14(settings: Settings) -> None:
    runtime = StandInRuntime("--script", "load", "--events", "3")
    settings.RUNTIME_ADDRESS, settings.RUNTIME_ALLOW_INSECURE = runtime.address, True
    settings.RUNTIME_DEV_SENDERS = True
    run_id = launch(runtime={"kind": "macp"})
    crowd_of(fresh(Run.objects.get(id=run_id)), 99)

    async def story() -> None:
        async with Beside() as beside:
            await settled_to(lambda: not Run.objects.filter(ending_seq=None).exists())
            adapter: Any = beside.observer._runtimes.get("macp").adapter
            channels, watches = adapter._channels, adapter._watches
            await becomes_true(lambda: rows(lambda: not watches._mailboxes))
            # It should hold the two watches, which belong to no run.
            await becomes_true(lambda: rows(lambda: len(channels._calls) <= 2))
            assert sum(lane.streams for lane in channels._lanes) <= 2
            await becomes_true(lambda: rows(lambda: not beside.observer._watched))
            await nothing_is_left_of_runs()

    try:
        asyncio.run(story())
    finally:
        runtime.stop()
    assert Run.objects.filter(status="completed").count() == 100
