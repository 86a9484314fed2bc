"""One run and its owner: launch or go on, read its session, carry out its orders, until the one ending is written.

bring up -> subscribe after the committed cursor -> (kickoff -> running) -> record batch by batch -> ending
"""

import asyncio
import logging

from django.conf import settings
from django.db import InterfaceError, OperationalError

from runs.bridge import rows
from runs.domain.endings import EndingCode
from runs.domain.events import Draft, Observation
from runs.domain.lifecycle import RunStatus
from runs.ending import Questions, settle
from runs.errors import Fenced, RunEnded, RunNotFound
from runs.observer import launch_steps, lease
from runs.observer.decided import Decided, defect, failed, first_of
from runs.observer.launcher import bring_up
from runs.observer.orders import Orders
from runs.observer.owned import OwnedRun
from runs.observer.patience import Patience
from runs.observer.reader import SessionReader
from runs.observer.recovery import Recovered, Recovery
from runs.observer.steering import NotDelivered, send_kickoff
from runs.runtimes.port import Runtime, Session

log = logging.getLogger("signalbox.observer")

FORGIVEN_AFTER_SECONDS = 60.0


class RunObserver:
    """What one observer does for one run it owns."""

    def __init__(
        self,
        run: OwnedRun,
        runtime: Runtime,
        *,
        launching: asyncio.Semaphore,
        questions: Questions,
        recovered: "asyncio.Future[Recovered]",
    ) -> None:
        self._run = run
        self._runtime = runtime
        self._questions = questions
        self._session: Session = runtime.attach(run.plan, adapter_state=run.adapter_state)
        self._patience = Patience(launching)
        self._recovery = Recovery(run, recovered)
        self._reader = SessionReader(run, self._session, self._patience, self._recovery)
        self._orders = Orders(run, self._session, recheck=self._reader.recheck)

    def look(self) -> None:
        """Somebody wants something of the run, or may: its rows are looked at."""
        self._orders.look()

    async def run(self) -> None:
        """The run has ended, or belongs to somebody else now."""
        try:
            await self._to_the_ending()
        except (Fenced, RunEnded, RunNotFound) as lost:  # not found: it had ended, and was deleted
            log.info("run %s is no longer ours: %s", self._run.id, lost)
        except (OperationalError, InterfaceError) as error:
            # The database is away, not the run: the next sweep finds the run without a task and starts it again.
            log.warning("run %s: let go until the database answers: %s", self._run.id, error)
        except Exception as error:
            log.exception("run %s: a defect of ours", self._run.id)
            await self._end(defect(error))
        finally:
            await self._session.close()

    async def _to_the_ending(self) -> None:
        """The ending is written. What goes wrong while it is being written is told apart like any other fault (B09)."""
        try:
            if self._run.recovery_attempts > settings.RUN_RECOVERY_MAX_ATTEMPTS:
                message = f"taken over {self._run.recovery_attempts} times from dead observers, without progress"
                raise failed(EndingCode.RECOVERY_EXHAUSTED, message)
            await self._observe_to_the_end()
        except Decided as decided:
            await self._end(decided)

    async def _observe_to_the_end(self) -> None:
        self._reader.bind = await bring_up(self._run, self._runtime, self._session, self._patience)
        reading = asyncio.create_task(self._reader.read())
        steering = asyncio.create_task(self._steer())
        forgiving = asyncio.create_task(self._forgive())
        try:
            await asyncio.wait({reading, steering}, return_when=asyncio.FIRST_COMPLETED)  # neither ends but by raising
            await (steering if steering.done() else reading)
        finally:
            for task in (reading, steering, forgiving):
                task.cancel()
            await asyncio.gather(reading, steering, forgiving, return_exceptions=True)

    async def _forgive(self) -> None:
        """Attempts to recover the run are forgotten once it has been read for a while, even if it says nothing."""
        if not self._run.recovery_attempts:
            return
        await self._reader.attached.wait()  # a run that waits for its turn is not read
        await asyncio.sleep(FORGIVEN_AFTER_SECONDS)
        if not self._reader.is_broken:
            await rows(lease.forgive, self._run.id, self._run.epoch)

    async def _steer(self) -> None:
        """The kickoff is sent; from the binding on the run's orders are carried out, a cancel even during the kickoff."""
        await self._reader.bound.wait()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._kick_off())
                group.create_task(self._orders.obey())
        except ExceptionGroup as failures:
            raise first_of(failures) from failures

    async def _kick_off(self) -> None:
        """The kickoff is sent and the run is running; nothing to do for a run that was further on."""
        if self._reader.status is not RunStatus.BINDING_SESSION:
            return
        try:
            await send_kickoff(self._run, self._session)
        except NotDelivered as undelivered:
            message, code = str(undelivered), undelivered.runtime_code
            raise failed(EndingCode.KICKOFF_FAILED, message, runtime_code=code) from undelivered
        self._reader.took(await rows(launch_steps.record_running, self._run))

    async def _end(self, decided: Decided) -> None:
        run, verdict = self._run, decided.verdict
        batch: list[Observation | Draft] = [*decided.batch, *self._recovery.last_words(verdict.code)]
        await settle(run.id, verdict, self._session, self._questions, epoch=run.epoch, batch=batch)
        self._recovery.ended(verdict.code)
