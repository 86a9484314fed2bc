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
from runs.domain.endings import EndingCode, Verdict, verdict_of
from runs.domain.events import (
    TERMINAL_SESSION_STATES,
    Draft,
    Envelope,
    EventType,
    JsonObject,
    Observation,
    ObservationKind,
    SessionSnapshot,
    StreamStatus,
)
from runs.domain.lifecycle import RunStatus
from runs.ending import end_run
from runs.errors import (
    Fenced,
    RunEnded,
    RuntimeFault,
    RuntimeRejected,
    RuntimeTimedOut,
    RuntimeUnavailable,
    SessionNotFound,
)
from runs.observer import launch_steps
from runs.observer.decided import Decided, failed, failed_by
from runs.observer.intake import Intake, StreamEnded
from runs.observer.launcher import Bind, bring_up
from runs.observer.owned import OwnedRun
from runs.observer.patience import Patience
from runs.observer.steering import NotDelivered, send_kickoff
from runs.queries import accepted_commitment
from runs.recorder import Recorded, quarantine, record
from runs.runtimes.port import Runtime, Session

log = logging.getLogger("signalbox.observer")

# Types after which the session's state is read at once: the stream alone does not show where a session stands.
TELLING_TYPES = frozenset({"Commitment", "SessionSuspend", "SessionResume", "SessionCancel"})
# How long the last envelopes of an ended session may take to arrive before they count as missing.
LAST_ENVELOPES_SECONDS = 2.0
RECORDING_AT_ONCE = 4


class CursorDistrusted(Exception):
    """Our cursor is ahead of the runtime's own count: its stream must be read again from the start."""


class Turns:
    """What the runs of one observer take turns at."""

    def __init__(self) -> None:
        self.launching = asyncio.Semaphore(settings.OBSERVER_LAUNCH_CONCURRENCY)
        # More at once would only take turns at the interpreter lock; runs that wait gather larger, cheaper batches.
        self.recording = asyncio.Semaphore(RECORDING_AT_ONCE)


class RunObserver:
    """What one observer does for one run it owns."""

    def __init__(self, run: OwnedRun, runtime: Runtime, turns: Turns) -> None:
        self._run = run
        self._runtime = runtime
        self._turns = turns
        self._status = run.status
        self._cursor = run.cursor
        self._recovery = "reattached" if run.is_taken_over else None
        self._bind: Bind | None = None
        self._bound = asyncio.Event()
        self._session: Session = runtime.attach(run.plan, adapter_state=run.adapter_state)
        self._patience = Patience()
        self._reads_from_start = False

    async def run(self) -> None:
        """The run has ended, or belongs to somebody else now."""
        try:
            await self._observe_to_the_end()
        except Decided as decided:
            await self._end(decided)
        except (Fenced, RunEnded) as lost:
            log.info("run %s is no longer ours: %s", self._run.id, lost)
        except (OperationalError, InterfaceError) as error:
            # The database is away, not the run: the next sweep finds the run without a task and starts it again.
            log.warning("run %s: let go until the database answers: %s", self._run.id, error)
        except Exception as error:
            log.exception("run %s: a defect of ours", self._run.id)
            await self._end(failed(EndingCode.INTERNAL_ERROR, f"internal error: {type(error).__name__}"))
        finally:
            await self._session.close()

    async def _observe_to_the_end(self) -> None:
        async with self._turns.launching:
            self._bind = await bring_up(self._run, self._runtime, self._session, self._patience)
        pump = asyncio.create_task(self._pump())
        kickoff = asyncio.create_task(self._kick_off())
        try:
            await asyncio.wait({pump, kickoff}, return_when=asyncio.FIRST_EXCEPTION)
            if kickoff.done():
                kickoff.result()
            await pump
        finally:
            pump.cancel()
            kickoff.cancel()
            await asyncio.gather(pump, kickoff, return_exceptions=True)

    async def _kick_off(self) -> None:
        """The kickoff is sent and the run is running; nothing to do for a run that was further on."""
        await self._bound.wait()
        if self._status is not RunStatus.BINDING_SESSION:
            return
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
            except SessionNotFound:
                await self._lost()
            except RuntimeRejected as refusal:
                # The history may be compacted because the session is over; anything else is a refusal for good.
                await self._reconcile(None)
                raise failed_by(EndingCode.RUNTIME_REJECTED, refusal) from refusal
            except (RuntimeUnavailable, RuntimeTimedOut, StreamEnded) as fault:
                if self._patience.failures == 0:
                    await self._record([_reconnecting(str(fault))])
                # Not asked where the session stands: a new subscription says so, and replays what was missed before it.
                await self._patience.after(fault)
            except CursorDistrusted:
                self._reads_from_start = True

    async def _subscribe(self) -> None:
        stream = self._session.observe(0 if self._reads_from_start else self._cursor)
        size, wait_ms = settings.OBSERVER_BATCH_SIZE, settings.OBSERVER_BATCH_WAIT_MS
        async with Intake(stream, size=size, wait_ms=wait_ms) as intake:
            if self._bind is not None:
                self._took(await self._bind())
                self._bind = None
            self._bound.set()
            while True:
                batch = await intake.take(timeout=settings.STREAM_IDLE_TIMEOUT_MS / 1000)
                if any(one.kind != ObservationKind.STREAM_STATUS for one in batch):
                    self._patience.answered()
                await self._record([one for one in batch if not _ends_session(one)])
                for ending in filter(_ends_session, batch):
                    await self._conclude(ending, intake)
                if not batch or any(map(_is_telling, batch)):
                    await self._reconcile(intake)

    async def _reconcile(self, intake: Intake | None) -> None:
        """The log knows where the session stands; a terminal state ends the run."""
        try:
            snapshot = await self._session.snapshot()
        except SessionNotFound:
            await self._lost()
        except RuntimeFault as fault:
            log.info("run %s: the session's state could not be read: %s", self._run.id, fault)
        else:
            self._patience.answered()
            if _ends_session(snapshot):
                await self._conclude(snapshot, intake)
            await self._record([snapshot])
            self._distrust_cursor(snapshot)

    def _distrust_cursor(self, snapshot: Observation) -> None:
        count = _message_count(snapshot)
        if count is not None and self._cursor > count + 1 and not self._reads_from_start:
            # Too low is harmless, too high loses: read everything again, source ids tell what is known.
            log.warning("run %s: the cursor %s is ahead of the runtime's %s", self._run.id, self._cursor, count + 1)
            raise CursorDistrusted

    async def _conclude(self, ending: Observation, intake: Intake | None) -> None:
        """The session is over: its last envelopes are recorded, then the run ends as the runtime decided."""
        expected = await self._expected(ending)
        while intake is not None and self._cursor < expected:
            batch = await _take_last(intake)
            await self._record([one for one in batch if not _ends_session(one)])
            if not batch:
                break
        missing: JsonObject | None = None
        if self._cursor < expected:
            missing = {"afterOrdinal": self._cursor, "reason": "compacted"}
        assert isinstance(ending.body, SessionSnapshot)
        verdict = verdict_of(ending.body.state)
        assert verdict is not None
        raise Decided(msgspec.structs.replace(verdict, missing=missing), [ending])

    async def _expected(self, ending: Observation) -> int:
        """How many envelopes the ended session holds, SessionStart included; 0 where the runtime does not say."""
        count = _message_count(ending)
        if count is None or ending.kind != ObservationKind.SNAPSHOT:
            with contextlib.suppress(RuntimeFault):
                count = _message_count(await self._session.snapshot())
        return 0 if count is None else count + 1

    async def _record(self, batch: Sequence[Observation]) -> None:
        if not batch:
            return
        try:
            async with self._turns.recording:
                recorded = await rows(record, self._run.id, self._announced(batch), epoch=self._run.epoch)
        except RunEnded:
            await rows(quarantine, self._run.id, batch)
            raise
        self._took(recorded)

    def _announced(self, batch: Sequence[Observation]) -> list[Observation | Draft]:
        """How the recovery went is an event, said once our subscription stands again."""
        if self._recovery is None or not any(map(_is_opened, batch)):
            return list(batch)
        data: JsonObject = {"status": "recovered", "recovery": self._recovery}
        self._recovery = None
        return [
            *batch,
            Draft(
                type=EventType.SESSION_STREAM_OPENED,
                data=data,
                source_name="recovery",
                subject_kind="session",
                subject_id=self._run.plan.session_id,
            ),
        ]

    def _took(self, recorded: Recorded) -> None:
        self._status = recorded.status
        self._cursor = recorded.cursor

    async def _lost(self) -> None:
        message, asked = "the runtime no longer knows the session", "SESSION_NOT_FOUND"
        commitment = await rows(accepted_commitment, self._run.id)
        if commitment is not None:
            raise Decided(Verdict(code=EndingCode.RESOLVED, runtime_asked=asked, commitment_seq=commitment))
        raise failed(EndingCode.SESSION_LOST, message, runtime_code="NOT_FOUND", asked=asked)

    async def _end(self, decided: Decided) -> None:
        try:
            await rows(end_run, self._run.id, decided.verdict, epoch=self._run.epoch, batch=decided.batch)
        except (RunEnded, Fenced) as lost:
            log.info("run %s: somebody else wrote the ending: %s", self._run.id, lost)


def _ends_session(observation: Observation) -> bool:
    body = observation.body
    return isinstance(body, SessionSnapshot) and body.state in TERMINAL_SESSION_STATES


def _is_telling(observation: Observation) -> bool:
    body = observation.body
    return isinstance(body, Envelope) and body.message_type in TELLING_TYPES


def _is_opened(observation: Observation) -> bool:
    body = observation.body
    return isinstance(body, StreamStatus) and body.status == "opened"


def _message_count(observation: Observation) -> int | None:
    body = observation.body
    return body.message_count if isinstance(body, SessionSnapshot) else None


def _reconnecting(detail: str) -> Observation:
    body = StreamStatus(status="reconnecting", detail=detail)
    return Observation(kind=ObservationKind.STREAM_STATUS, body=body)


async def _take_last(intake: Intake) -> list[Observation]:
    try:
        return await intake.take(timeout=LAST_ENVELOPES_SECONDS)
    except (RuntimeFault, StreamEnded):
        return []
