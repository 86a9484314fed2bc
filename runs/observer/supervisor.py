"""Observer: one process that watches many runs, one asyncio task each, and hands them back when it stops."""

import asyncio
import contextlib
import logging
import time
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseFault

from runs import hub
from runs.bridge import rows
from runs.ending import end_run
from runs.log_context import log_context
from runs.observer import lease
from runs.observer.decided import defect
from runs.observer.lease import Heart, Lease
from runs.observer.orders import ordered_runs
from runs.observer.owned import load_owned
from runs.observer.session import RunObserver
from runs.runtimes.registry import Runtimes

log = logging.getLogger("signalbox.observer")

POLL_SECONDS = 1.0


class Observer:
    """Claims runs, watches them, declares dead observers lost. Many may run, on any number of machines."""

    def __init__(self) -> None:
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._watched: dict[UUID, RunObserver] = {}
        self._runtimes = Runtimes()
        self._launching = asyncio.Semaphore(settings.OBSERVER_LAUNCH_CONCURRENCY)
        self._next_sweep = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Watches until `stop` is set; then every run is handed back and this observer is gone."""
        self.id = await rows(lease.register)
        heart = Heart(self.id, asyncio.get_running_loop())
        heart.start()
        log.info("observer %s is watching", self.id)
        try:
            async with hub.subscribe_to_work() as work:
                stopping = asyncio.create_task(stop.wait())
                while not stop.is_set():
                    await self._look_for_work()
                    waiting = asyncio.create_task(work.wait(POLL_SECONDS))
                    await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
                    waiting.cancel()
        finally:
            heart.stop()
            await self._hand_back()

    async def _look_for_work(self) -> None:
        try:
            await self._sweep_if_due()
            if (room := settings.OBSERVER_MAX_RUNS - len(self._tasks)) > 0:
                for claimed in await rows(lease.claim, self.id, room):
                    self._watch(claimed)
            for run_id in await rows(ordered_runs, self.id):
                if run_id in self._watched:
                    self._watched[run_id].look()
        except DatabaseFault as error:
            log.warning("could not look for work, trying again: %s", error)

    async def _sweep_if_due(self) -> None:
        if time.monotonic() < self._next_sweep:
            return
        self._next_sweep = time.monotonic() + settings.OBSERVER_SWEEP_S
        if lost := await rows(lease.declare_losses):
            log.warning("%s observers were declared lost", lost)
        # A task that died inside a living process owns nothing for long.
        for owned in await rows(lease.owned_by, self.id):
            if owned.run_id not in self._tasks:
                self._watch(owned)

    def _watch(self, owned: Lease) -> None:
        task = asyncio.create_task(self._observe(owned), name=f"run {owned.run_id}")
        self._tasks[owned.run_id] = task
        task.add_done_callback(lambda done: self._forget(owned.run_id, done))

    def _forget(self, run_id: UUID, task: asyncio.Task[None]) -> None:
        if self._tasks.get(run_id) is task:
            del self._tasks[run_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the task of run %s died and will be restarted", run_id, exc_info=error)

    async def _observe(self, owned: Lease) -> None:
        with log_context(run_id=str(owned.run_id)):
            if (observer := await self._observer_of(owned)) is None:
                return
            self._watched[owned.run_id] = observer
            try:
                await observer.run()
            finally:
                del self._watched[owned.run_id]

    async def _observer_of(self, owned: Lease) -> RunObserver | None:
        """What will watch the run. A run that cannot even be read ends: starting it every sweep would never end."""
        try:
            run = await rows(load_owned, owned.run_id, owned.epoch)
            return RunObserver(run, self._runtimes.get(run.kind), self._launching)
        except DatabaseFault:
            raise
        except Exception as error:
            log.exception("run %s cannot be watched", owned.run_id)
            await rows(end_run, owned.run_id, defect(error).verdict, epoch=owned.epoch)
            return None

    async def _hand_back(self) -> None:
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        with contextlib.suppress(DatabaseFault):
            freed = await rows(lease.hand_back, self.id)
            log.info("observer %s handed back %s runs", self.id, freed)
        await self._runtimes.close()
