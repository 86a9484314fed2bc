"""One run and its owner: launch or go on, subscribe, record, reconnect, reconcile, until the one ending is written.

    bring up -> subscribe after the committed cursor -> (kickoff -> running) -> record batch by batch -> ending

Only the runtime's session state, or one of our own codes, ends a run; a Commitment alone does not.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

import msgspec
from django.conf import settings
from django.db import InterfaceError, OperationalError

from runs.bridge import rows
from runs.domain.endings import DecidedBy, EndingCode, verdict_of
from runs.domain.events import Draft, JsonObject, Observation, ObservationKind, SessionSnapshot
from runs.domain.lifecycle import RunStatus
from runs.ending import Questions, settle
from runs.ending.asking import lost_session
from runs.errors import (
    Fenced,
    RunEnded,
    RuntimeFault,
    RuntimeRejected,
    RuntimeTimedOut,
    RuntimeUnavailable,
    RuntimeUnsupported,
    SessionNotFound,
)
from runs.observer import launch_steps, lease
from runs.observer.decided import Decided, defect, failed, failed_by, first_of
from runs.observer.intake import Intake, StreamEnded
from runs.observer.kickoff import undelivered_kickoff
from runs.observer.launcher import Bind, bring_up
from runs.observer.orders import Orders
from runs.observer.owned import OwnedRun
from runs.observer.patience import Patience
from runs.observer.recovery import Recovered, Recovery
from runs.observer.steering import NotDelivered, send_kickoff
from runs.observer.telling import ends_session, is_delivery, is_telling, message_count, reconnecting
from runs.queries import unreadable_frames
from runs.recorder import Recorded, quarantine, record
from runs.runtimes.port import Runtime, Session

log = logging.getLogger("signalbox.observer")

# How long the last envelopes of an ended session may take to arrive before they count as missing.
LAST_ENVELOPES_SECONDS = 2.0
FORGIVEN_AFTER_SECONDS = 60.0


class ReadAgain(Exception):
    """The runtime holds less than was read from it: the subscription must begin at the beginning."""


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
        self._status = run.status
        self._cursor = run.cursor
        self._is_distrusted = False  # the cursor: this runtime no longer has what it counts
        self._is_broken = False  # the stream, since it last delivered anything
        self._is_doubted = False  # the session's state, as far as the log knows it
        self._intake: Intake | None = None
        self._over: Observation | None = None  # what the runtime said when the session was over
        self._stopped_at: int | None = None  # the cursor where the replay of an ended session last broke off
        self.recovery = Recovery(run, recovered)
        self._bind: Bind | None = None
        self._bound = asyncio.Event()
        self._session: Session = runtime.attach(run.plan, adapter_state=run.adapter_state)
        self._patience = Patience(launching)
        self._orders = Orders(run, self._session, recheck=self._recheck)

    def look(self) -> None:
        """Somebody wants something of the run, or may: its rows are looked at."""
        self._orders.look()

    async def run(self) -> None:
        """The run has ended, or belongs to somebody else now."""
        try:
            await self._to_the_ending()
        except (Fenced, RunEnded) as lost:
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
        self._bind = await bring_up(self._run, self._runtime, self._session, self._patience)
        pump = asyncio.create_task(self._pump())
        steering = asyncio.create_task(self._steer())
        forgiving = asyncio.create_task(self._forgive())
        try:
            await asyncio.wait({pump, steering}, return_when=asyncio.FIRST_COMPLETED)  # neither ends but by raising
            await (steering if steering.done() else pump)
        finally:
            for task in (pump, steering, forgiving):
                task.cancel()
            await asyncio.gather(pump, steering, forgiving, return_exceptions=True)

    async def _forgive(self) -> None:
        """Attempts to recover the run are forgotten once it has been read for a while, even if it says nothing."""
        if not self._run.recovery_attempts:
            return
        await self._bound.wait()
        await asyncio.sleep(FORGIVEN_AFTER_SECONDS)
        if not self._is_broken:
            await rows(lease.forgive, self._run.id, self._run.epoch)

    async def _steer(self) -> None:
        """The kickoff is sent; from the binding on the run's orders are carried out, a cancel even during the kickoff."""
        await self._bound.wait()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._kick_off())
                group.create_task(self._orders.obey())
        except ExceptionGroup as failures:
            raise first_of(failures) from failures

    async def _kick_off(self) -> None:
        """The kickoff is sent and the run is running; nothing to do for a run that was further on."""
        if self._status is not RunStatus.BINDING_SESSION:
            return
        if (over := await rows(undelivered_kickoff, self._run.id)) is not None:
            raise failed(EndingCode.KICKOFF_FAILED, over.error_message or over.status, runtime_code=over.error_code)
        try:
            await send_kickoff(self._run, self._session)
        except NotDelivered as undelivered:
            message, code = str(undelivered), undelivered.runtime_code
            raise failed(EndingCode.KICKOFF_FAILED, message, runtime_code=code) from undelivered
        self._took(await rows(launch_steps.record_running, self._run))

    async def _pump(self) -> None:
        while True:
            try:
                await self._subscribe()
            except ReadAgain:
                continue
            except SessionNotFound:
                await self._lost()
            except (RuntimeRejected, RuntimeUnsupported) as refusal:
                await self._refused(refusal)
            except (RuntimeUnavailable, RuntimeTimedOut, StreamEnded) as fault:
                await self._broken(fault)

    async def _subscribe(self) -> None:
        stream = self._session.observe(0 if self._is_distrusted else self._cursor)
        size, wait_ms = settings.OBSERVER_BATCH_SIZE, settings.OBSERVER_BATCH_WAIT_MS
        async with Intake(stream, size=size, wait_ms=wait_ms) as intake:
            self._intake = intake
            if self._bind is not None:
                self._took(await self._bind())
                self._bind = None
            self._bound.set()
            while True:
                idle_s = 0.0 if self._is_doubted else settings.STREAM_IDLE_TIMEOUT_MS / 1000
                batch = await intake.take(timeout=idle_s)
                if any(map(is_delivery, batch)):
                    self._stands()
                self._compare_cursor(batch)
                await self._record([one for one in batch if not ends_session(one)])
                for ending in filter(ends_session, batch):
                    await self._conclude(ending, intake)
                if not batch or self._is_doubted or any(map(is_telling, batch)):
                    self._is_doubted = False
                    await self._reconcile(intake)
                    self._stands()

    def _recheck(self) -> None:
        """The session's state is read as soon as the pump comes to it, however quiet or busy the stream is."""
        self._is_doubted = True
        if self._intake is not None and self._over is None:
            self._intake.interrupt()

    def _stands(self) -> None:
        self._is_broken = False
        self.recovery.stands()
        self._patience.stood()

    async def _broken(self, fault: Exception) -> None:
        """The pause before the next subscription has passed. One event an outage, however long it is (C01)."""
        if not self._is_broken:
            self._is_broken = True
            await self._record([reconnecting(str(fault))])
        try:
            await self._patience.after(fault)
        except Decided:
            if self._over is None:
                raise
            await self._finish(self._over, reason="session_lost")
        with contextlib.suppress(RuntimeUnavailable, RuntimeTimedOut, ReadAgain):
            await self._reconcile(None)

    async def _refused(self, refusal: RuntimeFault) -> None:
        """The history may be compacted because the session is over; anything else is a refusal for good."""
        try:
            await self._reconcile(None, replayable=False)
        except (RuntimeUnavailable, RuntimeTimedOut) as fault:
            await self._broken(fault)
        else:
            raise failed_by(EndingCode.RUNTIME_REJECTED, refusal) from refusal

    async def _reconcile(self, intake: Intake | None, *, replayable: bool = True) -> None:
        """The log knows where the session stands; a terminal state ends the run.

        Raises RuntimeUnavailable or RuntimeTimedOut where the runtime does not say: a stream that is silent then is dead.
        """
        try:
            snapshot = await self._session.snapshot()
        except SessionNotFound:
            await self._lost()
        except (RuntimeUnavailable, RuntimeTimedOut):
            raise
        except RuntimeFault as fault:
            log.info("run %s: the session's state could not be read: %s", self._run.id, fault)
        else:
            self._patience.answered()
            if ends_session(snapshot):
                await self._conclude(snapshot, intake, replayable=replayable)
            await self._record([one for one in [snapshot] if not ends_session(one)])
            self._compare_cursor([snapshot])

    def _compare_cursor(self, batch: Sequence[Observation]) -> None:
        """Too low is harmless, too high loses: then everything is read again, and source ids tell what is known."""
        counts = [message_count(one) for one in batch if one.kind == ObservationKind.SNAPSHOT]
        ahead = any(count is not None and self._cursor > count + 1 for count in counts)
        if ahead and not self._is_distrusted:
            log.warning("run %s: the cursor %s is ahead of the runtime", self._run.id, self._cursor)
            self._is_distrusted = True
            raise ReadAgain

    async def _conclude(self, ending: Observation, intake: Intake | None, *, replayable: bool = True) -> None:
        """The session is over: its last envelopes are recorded, then the run ends as the runtime decided.

        Returns only where a stream broke before them: the caller subscribes again, as long as that brings any further.
        """
        self._over = ending
        expected = await self._expected(ending)
        while intake is not None and (self._is_distrusted or self._cursor < expected):
            batch = await intake.take(timeout=LAST_ENVELOPES_SECONDS)
            await self._record([one for one in batch if not ends_session(one)])
            if not batch:
                break
        if intake is None and replayable and self._cursor < expected and self._cursor != self._stopped_at:
            self._stopped_at = self._cursor
            return
        await self._finish(ending, expected=expected, reason="compacted")

    async def _finish(self, ending: Observation, *, reason: str, expected: int | None = None) -> None:
        """Raises Decided: the run ends as the runtime decided, and says what could not be read."""
        if expected is None:
            expected = (message_count(ending) or 0) + 1
        missing: JsonObject | None = None
        if self._cursor < expected and self._cursor + await rows(unreadable_frames, self._run.id) < expected:
            missing = {"afterOrdinal": self._cursor, "reason": reason}
        assert isinstance(ending.body, SessionSnapshot)
        verdict = verdict_of(ending.body.state)
        assert verdict is not None
        raise Decided(msgspec.structs.replace(verdict, missing=missing), [ending])

    async def _expected(self, ending: Observation) -> int:
        """How many envelopes the ended session holds, SessionStart included; 0 where the runtime does not say."""
        count = message_count(ending)
        if count is None or ending.kind != ObservationKind.SNAPSHOT:
            with contextlib.suppress(RuntimeRejected, RuntimeUnsupported):
                count = message_count(await self._session.snapshot())
        return 0 if count is None else count + 1

    async def _record(self, batch: Sequence[Observation]) -> None:
        if not batch:
            return
        try:
            recorded = await rows(record, self._run.id, self.recovery.announced(batch), epoch=self._run.epoch)
        except RunEnded:
            # Ended by somebody else, its session perhaps not: what it still says is late data, as long as we are let listen.
            await rows(quarantine, self._run.id, batch)
        else:
            self._took(recorded)

    def _took(self, recorded: Recorded) -> None:
        self._status = recorded.status
        self._cursor = max(self._cursor, recorded.cursor)  # two of our tasks record; answers may cross

    async def _lost(self) -> None:
        if self._over is not None:
            await self._finish(self._over, reason="evicted")
        raise Decided(await rows(lost_session, self._run.id, decided_by=DecidedBy.OBSERVER))

    async def _end(self, decided: Decided) -> None:
        batch: list[Observation | Draft] = [*decided.batch, *self.recovery.ended(decided.verdict.code)]
        run, verdict = self._run, decided.verdict
        await settle(run.id, verdict, self._session, self._questions, epoch=run.epoch, batch=batch)
