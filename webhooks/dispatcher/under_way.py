"""UnderWay: what one drain has in the air, and what it has done."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from django.conf import settings
from django.db import Error as DatabaseFault

from runs.bridge import rows
from runs.crashpoint import calling
from webhooks.clock import Clock
from webhooks.delivery import Sent, cancel_leftovers
from webhooks.dispatcher.turn import Turn, take_turn
from webhooks.parcel import Parcel
from webhooks.result import Result

log = logging.getLogger("signalbox.webhooks")

# So many bodies are in memory at most, however much waits. A receiver that never answers holds `concurrency` of them for as
# long as an attempt may take. The last quarter is for endpoints that are being sent nothing.
IN_FLIGHT = 400
SCARCE = 0.25
POLL_S = 0.1  # for what runs have told
LOOK_S = 0.5  # for what others have made due: an attempt that somebody asked for, an endpoint that is paused no more
CONTENTION_S = 0.05  # what is due is another drain's at this moment
AFTER_A_FAULT_S = 0.5
MOST_FAULTS_AT_THE_END = 20


class Send(Protocol):
    """Whoever tries to deliver: `webhooks.sender.send`."""

    def __call__(self, parcel: Parcel, *, timeout_s: float, at: int) -> Awaitable[Result]: ...


@dataclass(slots=True)
class Drained:
    """What a drain did, and whether anything is due within a minute of its end."""

    fanned_out: int = 0
    sent: int = 0
    failed: int = 0  # of those that were sent
    faults: int = 0  # of ours: a step that could not be done; a later turn or drain does it
    is_due_soon: bool = False


@dataclass(slots=True)
class UnderWay:
    """One drain. Belongs to one event loop."""

    clock: Clock
    send: Send
    fan_out_some: Callable[[], int]
    still: Callable[[], bool]
    done: Drained = field(default_factory=Drained)
    sending: set[asyncio.Task[None]] = field(default_factory=set)
    finished: list[Sent] = field(default_factory=list)
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    outbox_is_quiet: bool = False  # nothing was left to fan out when it was looked at last
    outbox_failed: bool = False

    async def claim_until(self, end: float, horizon_s: float | None) -> None:
        """The time is over, or nothing will be due in time."""
        fanning_out = asyncio.create_task(self._fan_out())
        try:
            while True:
                self.stirred.clear()
                # Whoever waits for nothing does not wait for an outbox that cannot be fanned out, either.
                is_patient = horizon_s != 0 or not self.outbox_failed
                turn = await self._turn(room=IN_FLIGHT - len(self.sending), with_outbox=is_patient)
                left = end - asyncio.get_running_loop().time()
                if self._is_over(turn, left, left if horizon_s is None else horizon_s):
                    return
                if not turn.parcels:
                    await self._pause(turn, left)
        finally:
            fanning_out.cancel()
            await asyncio.wait({fanning_out})

    async def finish(self) -> None:
        """Whatever was being sent is on record, unless the database is away for too long: then it will be sent again."""
        faults = 0
        while (self.sending or self.finished) and faults < MOST_FAULTS_AT_THE_END:
            if not self.finished:
                self.stirred.clear()
                await self.stirred.wait()
            turn = await self._turn(room=0, with_outbox=False)
            faults += turn.faults
            if turn.faults:
                await asyncio.sleep(AFTER_A_FAULT_S)
        if self.finished:
            log.error("how %d attempts went could not be recorded: they will be made again", len(self.finished))

    def _is_over(self, turn: Turn, left: float, horizon_s: float) -> bool:
        if left <= 0 or not turn.goes_on:
            return True
        if turn.faults and not self.sending:
            return horizon_s == 0
        if turn.parcels or self.sending or self.finished or not (turn.has_looked and self.outbox_is_quiet):
            return False
        return turn.due_s > horizon_s

    async def _pause(self, turn: Turn, left: float) -> None:
        if turn.faults:
            await asyncio.sleep(min(AFTER_A_FAULT_S, left))
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(LOOK_S, max(turn.due_s, CONTENTION_S), left)):
                await self.stirred.wait()

    async def _turn(self, *, room: int, with_outbox: bool) -> Turn:
        finished, self.finished = self.finished, []
        kept = int(IN_FLIGHT * SCARCE)
        turn = await rows(
            take_turn,
            finished,
            room=room if room <= kept else room - kept,
            is_scarce=room <= kept,
            clock=self.clock,
            still=self.still,
            with_outbox=with_outbox,
        )
        self.finished += turn.unrecorded
        self.done.faults += turn.faults
        self.done.sent += len(turn.recorded)
        self.done.failed += sum(not one.result.is_success for one in turn.recorded)
        for parcel in turn.parcels:
            task = asyncio.create_task(self._deliver(parcel, turn.at))
            self.sending.add(task)
            task.add_done_callback(self.sending.discard)
        return turn

    async def _deliver(self, parcel: Parcel, at: int) -> None:
        try:
            with calling("webhooks.send"):
                result = await self.send(parcel, timeout_s=settings.WEBHOOK_TIMEOUT_S, at=at)
        except Exception:  # a defect, or the receiver would be sent the same again and again
            log.exception("delivery %s could not be sent", parcel.delivery_id)
            result = Result(duration_ms=0, reason="unsendable", message="it could not be sent")
        self.finished.append(Sent(parcel, result))
        self.stirred.set()

    async def _fan_out(self) -> None:
        while True:
            fanned_out = await self._done(self.fan_out_some)
            self.done.fanned_out += fanned_out
            cancelled = 0 if fanned_out or self.outbox_failed else await self._done(cancel_leftovers)
            if fanned_out or not self.outbox_is_quiet:
                self.stirred.set()
            self.outbox_is_quiet = not fanned_out and not cancelled
            if self.outbox_is_quiet:
                await asyncio.sleep(AFTER_A_FAULT_S if self.outbox_failed else POLL_S)

    async def _done(self, some: Callable[[], int]) -> int:
        try:
            done = await rows(some)
        except DatabaseFault as error:
            log.warning("the outbox waits for the database: %s", error)
        except Exception:
            log.exception("the outbox could not be fanned out")
        else:
            self.outbox_failed = False
            return done
        self.outbox_failed = True
        self.done.faults += 1
        return 0
