"""Reading one session for the owner of its run: subscribe, record batch by batch, reconnect, reconcile, conclude.

Only the runtime's session state, or one of our own codes, ends a run; a Commitment alone does not.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

import msgspec
from django.conf import settings

from runs.bridge import rows
from runs.domain.endings import DecidedBy, EndingCode, verdict_of
from runs.domain.events import JsonObject, Observation, ObservationKind, SessionSnapshot
from runs.domain.lifecycle import RunStatus
from runs.ending.asking import lost_session
from runs.errors import (
    RunEnded,
    RuntimeFault,
    RuntimeRejected,
    RuntimeTimedOut,
    RuntimeUnavailable,
    RuntimeUnsupported,
    SessionNotFound,
)
from runs.observer.decided import Decided, failed_by
from runs.observer.intake import Intake, StreamEnded
from runs.observer.launcher import Bind
from runs.observer.owned import OwnedRun
from runs.observer.patience import Patience
from runs.observer.recovery import Recovery
from runs.observer.telling import ends_session, is_delivery, is_for_now, is_telling, message_count, reconnecting
from runs.queries import unreadable_frames
from runs.recorder import Recorded, quarantine, record
from runs.runtimes.port import Session

log = logging.getLogger("signalbox.observer")

# How long the last envelopes of an ended session may take to arrive before they count as missing.
LAST_ENVELOPES_SECONDS = 2.0


class ReadAgain(Exception):
    """What the runtime holds and what was read do not go together: the subscription must begin at the beginning."""


class SessionReader:
    """Reads one session into the log of its run, under the lease of the run's owner.

    `bind` is carried out once the first subscription stands, and `bound` is set then. A session that was bound before is
    `bound` at once; `attached` is set only once a subscription has said something.
    """

    def __init__(self, run: OwnedRun, session: Session, patience: Patience, recovery: Recovery) -> None:
        self.status = run.status
        self.is_broken = False  # the stream, since it last delivered anything
        self.bind: Bind | None = None
        self.bound = asyncio.Event()
        self.attached = asyncio.Event()
        self._run = run
        self._session = session
        self._patience = patience
        self._recovery = recovery
        self._cursor = run.cursor
        self._is_distrusted = False  # the cursor: this runtime no longer has what it counts
        self._is_doubted = False  # the session's state, as far as the log knows it
        self._intake: Intake | None = None
        self._over: Observation | None = None  # what the runtime said when the session was over
        self._deaf_at: tuple[int, int] | None = (
            None  # cursor and what the session held, where a silent stream was given up
        )
        self._stopped_at: int | None = None  # the cursor where the replay of an ended session last broke off

    async def read(self) -> None:
        """Reads until it is cancelled. Raises Decided once the run must end, Fenced or RunEnded once it is no longer ours."""
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

    def recheck(self) -> None:
        """The session's state is read as soon as the pump comes to it, however quiet or busy the stream is."""
        self._is_doubted = True
        if self._intake is not None and self._over is None:
            self._intake.interrupt()

    def took(self, recorded: Recorded) -> None:
        """How the run stands after a transaction of its owner is known here, too."""
        self.status = recorded.status
        self._cursor = max(self._cursor, recorded.cursor)  # two of our tasks record; answers may cross

    async def _subscribe(self) -> None:
        if self.bind is None and self.status is not RunStatus.BINDING_SESSION:
            self.bound.set()  # whoever waits for its turn to subscribe can be cancelled all the same
        size, wait_ms = settings.OBSERVER_BATCH_SIZE, settings.OBSERVER_BATCH_WAIT_MS
        stream = self._session.observe(0 if self._is_distrusted else self._cursor)
        async with (
            self._patience.opening() as stands,
            Intake(stream, size=size, wait_ms=wait_ms, stands=stands) as intake,
        ):
            self._intake = intake
            if self.bind is not None:
                self.took(await self.bind())
                self.bind = None
            self.bound.set()
            while True:
                idle_s = 0.0 if self._is_doubted else settings.STREAM_IDLE_TIMEOUT_MS / 1000
                batch = await intake.take(timeout=idle_s)
                if batch:
                    self.attached.set()
                if any(map(is_delivery, batch)):
                    self._stands()
                self._compare_cursor(batch)
                await self._record([one for one in batch if not ends_session(one)])
                for ending in filter(ends_session, batch):
                    await self._conclude(ending, intake)
                if not batch or self._is_doubted or any(map(is_telling, batch)):
                    is_silent = not batch and not self._is_doubted
                    self._is_doubted = False
                    snapshot = await self._reconcile(intake)
                    if is_silent and snapshot is not None:
                        await self._hear_again(snapshot, intake)
                    self._stands()

    def _stands(self) -> None:
        self.is_broken = False
        self._recovery.stands()
        self._patience.stood()

    async def _broken(self, fault: Exception) -> None:
        """The pause before the next subscription has passed, and the log knows where the session stands, if that is told."""
        try:
            await self._interrupted(fault)
        except Decided:
            if self._over is None:
                raise
            await self._finish(self._over, reason="session_lost")
        with contextlib.suppress(RuntimeUnavailable, RuntimeTimedOut, ReadAgain):
            await self._reconcile(None)

    async def _interrupted(self, fault: Exception) -> None:
        """The pause before the next subscription has passed. One event an outage, however long it is (C01)."""
        if not self.is_broken:
            self.is_broken = True
            await self._record([reconnecting(str(fault))])
        await self._patience.after(fault)

    async def _refused(self, refusal: RuntimeFault) -> None:
        """The history may be compacted because the session is over; anything else is a refusal for good.

        Unless there was only too much at once: then nothing of the session is lost, and it is asked for again.
        """
        if is_for_now(refusal):
            await self._interrupted(refusal)
            return
        try:
            await self._reconcile(None, replayable=False)
        except ReadAgain:
            return  # from the beginning: that may not be refused
        except (RuntimeUnavailable, RuntimeTimedOut) as fault:
            await self._broken(fault)
        except RuntimeRejected as too_much:
            await self._interrupted(too_much)
        else:
            raise failed_by(EndingCode.RUNTIME_REJECTED, refusal) from refusal

    async def _reconcile(self, intake: Intake | None, *, replayable: bool = True) -> Observation | None:
        """The log knows where the session stands, as the answer says; a terminal state ends the run.

        Raises RuntimeUnavailable or RuntimeTimedOut where the runtime does not say: a stream that is silent then is dead.
        A refusal for now is raised where nothing else can be had of the session.
        """
        try:
            snapshot = await self._session.snapshot()
        except SessionNotFound:
            await self._lost()
        except (RuntimeUnavailable, RuntimeTimedOut):
            raise
        except RuntimeFault as fault:
            if not replayable and is_for_now(fault):
                raise
            log.info("run %s: the session's state could not be read: %s", self._run.id, fault)
        else:
            self._patience.answered()
            if ends_session(snapshot):
                await self._conclude(snapshot, intake, replayable=replayable)
            await self._record([one for one in [snapshot] if not ends_session(one)])
            self._compare_cursor([snapshot])
            return snapshot
        return None

    async def _hear_again(self, snapshot: Observation, intake: Intake) -> None:
        """A stream that is silent while its session goes on is deaf: everything is read again, once at every such place."""
        expected = (message_count(snapshot) or 0) + 1
        if not await self._lacks(expected) or await intake.says_more(within_s=LAST_ENVELOPES_SECONDS):
            return
        if self._deaf_at != (self._cursor, expected):
            self._deaf_at = (self._cursor, expected)
            self._is_distrusted = True
            raise ReadAgain

    async def _lacks(self, expected: int) -> bool:
        """True if the session holds more than was read of it, frames that cannot be read not counted."""
        return self._cursor < expected and self._cursor + await rows(unreadable_frames, self._run.id) < expected

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
        if intake is not None and not self._is_distrusted and await self._lacks(expected):
            self._is_distrusted = True  # this subscription has left something out; another one may still replay it
            raise ReadAgain
        await self._finish(ending, expected=expected, reason="compacted")

    async def _finish(self, ending: Observation, *, reason: str, expected: int | None = None) -> None:
        """Raises Decided: the run ends as the runtime decided, and says what could not be read."""
        if expected is None:
            expected = (message_count(ending) or 0) + 1
        missing: JsonObject | None = None
        if await self._lacks(expected):
            missing = {"afterOrdinal": self._cursor, "reason": reason}
        assert isinstance(ending.body, SessionSnapshot)
        verdict = verdict_of(ending.body.state)
        assert verdict is not None
        raise Decided(msgspec.structs.replace(verdict, missing=missing), [ending])

    async def _expected(self, ending: Observation) -> int:
        """How many envelopes the ended session holds, SessionStart included; 0 where the runtime does not say."""
        count = message_count(ending)
        if count is None or ending.kind != ObservationKind.SNAPSHOT:
            try:
                count = message_count(await self._session.snapshot())
            except (RuntimeRejected, RuntimeUnsupported) as refusal:
                if is_for_now(refusal):
                    raise
        return 0 if count is None else count + 1

    async def _record(self, batch: Sequence[Observation]) -> None:
        if not batch:
            return
        try:
            recorded = await rows(record, self._run.id, self._recovery.announced(batch), epoch=self._run.epoch)
        except RunEnded:
            # Ended by somebody else, its session perhaps not: what it still says is late data, as long as we are let listen.
            await rows(quarantine, self._run.id, batch)
        else:
            self.took(recorded)
            self._recovery.recorded()

    async def _lost(self) -> None:
        if self._over is not None:
            await self._finish(self._over, reason="evicted")
        raise Decided(await rows(lost_session, self._run.id, decided_by=DecidedBy.OBSERVER))
