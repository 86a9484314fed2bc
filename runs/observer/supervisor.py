"""Observer: one process that watches many runs, one asyncio task each, and hands them back when it stops."""

import asyncio
import contextlib
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson
from django.conf import settings
from django.db import Error as DatabaseFault

from runs import hub
from runs.bridge import rows
from runs.ending import Questions
from runs.log_context import log_context
from runs.observer import lease
from runs.observer.discovery import Adopt, Discovery
from runs.observer.heart import Heart
from runs.observer.lease import Lease
from runs.observer.orders import ordered_runs
from runs.observer.recovery import Recovered, outcomes, report
from runs.observer.session import RunObserver
from runs.observer.slots import Slots
from runs.observer.sweep import Sweep
from runs.observer.take_up import take_up
from runs.runtimes.breaker_log import BreakerLog
from runs.runtimes.registry import Runtimes

log = logging.getLogger("signalbox.observer")

POLL_SECONDS = 1.0
JITTER = 0.2
AGAIN_AFTER_SECONDS = 1.0
# A hand-back is over in two seconds: what does not let go by then is left behind, and fenced off.
LETTING_GO_SECONDS = 1.0
CLOSING_SECONDS = 0.3
# A database that does not answer at all must not keep the process; one that is merely busy may take longer than usual.
HANDING_BACK_SECONDS = 5.0


@dataclass(slots=True)
class Watched:
    """One run this observer owns: its epoch, the task that watches it, what became of taking it up, who watches it."""

    epoch: int
    task: asyncio.Task[None]
    recovered: "asyncio.Future[Recovered]"
    observer: RunObserver | None = None


class Observer:
    """Claims runs, watches them, sweeps. Many may run, on any number of machines.

    With `adopt` it makes runs of sessions that somebody else has opened at the runtime.
    """

    def __init__(self, *, adopt: Adopt | None = None) -> None:
        self.faults: Counter[str] = Counter()  # of background loops, by name
        self._watched: dict[UUID, Watched] = {}
        self._telling: set[asyncio.Task[None]] = set()
        self._breakers = BreakerLog()
        self._runtimes = Runtimes(on_breaker_change=self._breakers.note)
        self._slots = Slots()
        self._questions = Questions()
        self._sweep = Sweep(self._runtimes, self._questions)
        self._discovery = Discovery(self._runtimes, adopt) if adopt is not None else None

    async def run(self, stop: asyncio.Event) -> None:
        """Watches until `stop` is set; then every run is handed back and this observer is gone."""
        self.id = self._breakers.observer = await rows(lease.register)
        heart = Heart(self.id, asyncio.get_running_loop())
        heart.start()
        log.info("observer %s is watching", self.id)
        loops = [
            asyncio.create_task(self._kept("work", self._work)),
            asyncio.create_task(self._kept("sweep", self._sweep_again_and_again)),
            asyncio.create_task(self._kept("clean-ups", self._clean_up_again_and_again)),
        ]
        if self._discovery is not None:
            loops.append(asyncio.create_task(self._kept("discovery", self._discovery.watch)))
        try:
            await stop.wait()
        finally:
            heart.stop()
            await _let_go(loops)
            await self._hand_back()

    async def _kept(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        """The loop runs for ever: what it raises is logged and counted, and it is started again."""
        while True:
            try:
                await loop()
            except DatabaseFault as error:
                log.warning("%s: trying again: %s", name, error)
            except Exception:
                log.exception("%s failed and is started again", name)
            self.faults[name] += 1
            await asyncio.sleep(AGAIN_AFTER_SECONDS)

    async def _work(self) -> None:
        async with hub.subscribe_to_work() as work:
            while True:
                await self._look_for_work()
                await work.wait(POLL_SECONDS)

    async def _look_for_work(self) -> None:
        await self._breakers.heed(self._runtimes)
        if (room := settings.OBSERVER_MAX_RUNS - len(self._watched)) > 0:
            claimed = await rows(lease.claim, self.id, room)
            for owned in claimed:
                self._watch(owned)
            self._tell_of_takeover([owned for owned in claimed if owned.epoch > 1])
        for run_id in await rows(ordered_runs, self.id):
            watched = self._watched.get(run_id)
            if watched is not None and watched.observer is not None:
                watched.observer.look()

    def _tell_of_takeover(self, taken: Sequence[Lease]) -> None:
        """What the take-over came to will be in the log, once it is known."""
        if not taken:
            return
        futures = [watched.recovered for one in taken if (watched := self._watched.get(one.run_id)) is not None]

        async def tell() -> None:
            recovered = await outcomes(futures)
            log.info("take-over: %s", orjson.dumps(report(len(taken), recovered)).decode())

        telling = asyncio.create_task(tell())
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _sweep_again_and_again(self) -> None:
        while True:
            await self._sweep.obligations()
            await self._compare_tasks()
            if not self._sweep.is_behind:
                await asyncio.sleep(_until_the_next_sweep())

    async def _clean_up_again_and_again(self) -> None:
        while True:
            await self._sweep.cleanups()
            await asyncio.sleep(_until_the_next_sweep())

    async def _compare_tasks(self) -> None:
        """Every run this observer owns has a living task, and no task works on a run that is over or somebody else's."""
        before = dict(self._watched)
        owned = {one.run_id: one for one in await rows(lease.owned_by, self.id)}
        for run_id in await rows(lease.lost_of, self.id, before.keys() - owned.keys()):
            before[run_id].task.cancel()
        for one in owned.values():
            self._watch(one)

    def _watch(self, owned: Lease) -> None:
        """A task watches the run under this lease; one under an older lease is cancelled."""
        former = self._watched.get(owned.run_id)
        if former is not None and former.epoch >= owned.epoch:
            return
        if former is not None:
            former.task.cancel()
        task = asyncio.create_task(self._observe(owned), name=f"run {owned.run_id}")
        recovered: asyncio.Future[Recovered] = asyncio.get_running_loop().create_future()
        watched = self._watched[owned.run_id] = Watched(owned.epoch, task, recovered)
        task.add_done_callback(lambda _: self._forget(owned.run_id, watched))

    def _forget(self, run_id: UUID, watched: Watched) -> None:
        if self._watched.get(run_id) is watched:
            del self._watched[run_id]
        watched.recovered.cancel()  # nobody is left to say how it went
        task = watched.task
        if not task.cancelled() and (error := task.exception()) is not None:
            self.faults["run"] += 1
            log.error("the task of run %s died and will be restarted", run_id, exc_info=error)

    async def _observe(self, owned: Lease) -> None:
        with log_context(run_id=str(owned.run_id)):
            watched = self._watched.get(owned.run_id)
            if watched is None or watched.epoch != owned.epoch:
                return
            watched.observer = await take_up(
                owned,
                runtimes=self._runtimes,
                slots=self._slots,
                questions=self._questions,
                recovered=watched.recovered,
            )
            if watched.observer is not None:
                await watched.observer.run()

    async def _hand_back(self) -> None:
        await _let_go([*self._telling, *(watched.task for watched in self._watched.values())])
        try:
            async with asyncio.timeout(HANDING_BACK_SECONDS):
                freed = await rows(lease.hand_back, self.id)
            log.info("observer %s handed back %s runs", self.id, freed)
        except (DatabaseFault, TimeoutError) as error:
            log.warning(
                "observer %s could not hand its runs back; others take them when its lease is over: %s", self.id, error
            )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._breakers.close()
                await self._runtimes.close()


def _until_the_next_sweep() -> float:
    return settings.OBSERVER_SWEEP_S * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - out of step with the others


async def _let_go(tasks: Sequence[asyncio.Task[None]]) -> None:
    """The tasks were cancelled and have ended, or their time is over."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=LETTING_GO_SECONDS)
