"""One scripted session, as the owner of its run holds it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from runs.domain.events import (
    TERMINAL_SESSION_STATES,
    Ack,
    AckError,
    Observation,
    ObservationKind,
    SessionState,
)
from runs.errors import RuntimeUnavailable
from runs.runtimes.port import Outgoing, Sent, SessionPlan
from runs.runtimes.scripted import frames
from runs.runtimes.scripted.metronome import Metronome
from runs.runtimes.scripted.options import script_of, seconds_between_lines
from runs.runtimes.scripted.state import AMBIENT_TYPES, AdapterState
from runs.runtimes.scripted.tape import Tape, start_id

_BREATH = 256  # observations after which an unpaced stream lets other tasks run


class StartBytes(msgspec.Struct, frozen=True, rename="camel"):
    """The stored form of a SessionStart: what `encode_start` writes and `start` reads."""

    message_id: str
    session_id: str
    sender: str
    payload: dict[str, object]


@dataclass(slots=True)
class Playhead:
    """How far one stream has come: `said` asides after `position` envelopes, and which changes of state it told."""

    position: int
    said: int = 0
    told: int = 0
    over: bool = False


class ScriptedSession:
    """A session that is nowhere but here: what it says follows from plan, cursor and the committed adapter state.

    How far it has played is known to a handle only from `start` (nothing yet) or from the cursor given to `observe`.
    Until then `snapshot` says OPEN unless the adapter state says otherwise, and `send` is RuntimeUnavailable: a message
    put at a guessed place could take the number of an envelope that is already recorded.

    While an answer that changed the adapter state waits for `confirm`, the stream says nothing: otherwise a crash
    could leave an echo recorded whose insertion was never committed.
    """

    def __init__(self, plan: SessionPlan, *, adapter_state: bytes | None) -> None:
        self._plan = plan
        self._script = script_of(plan)
        self._interval = seconds_between_lines(plan)
        self._pending: AdapterState | None = None
        self._played: int | None = None
        self._acks: dict[str, int] = {}
        self._changed = asyncio.Event()
        self._closed = False
        self._apply(AdapterState.loads(adapter_state))

    async def start(self, start: bytes) -> Sent:
        """SessionStart is accepted, or is a duplicate, or another one opened the session. Holds nothing back."""
        try:
            message_id = msgspec.json.decode(start, type=StartBytes).message_id
        except msgspec.DecodeError:
            return self._refuses("", "INVALID_ENVELOPE", "the bytes are no SessionStart")
        if message_id != start_id(self._plan):
            return self._refuses(message_id, "SESSION_ALREADY_EXISTS", "another SessionStart opened this session")
        if self._latest.started:
            return self._accepts(message_id, duplicate=True)
        self._apply(self._committed.opened())
        self._played = self._played or 0
        return self._accepts(message_id, state=self._committed)

    async def appears(self, timeout: float) -> None:
        """It is there from the start."""

    def observe(self, after: int) -> AsyncIterator[Observation]:
        """What is said after `after` envelopes, asides and the change of state at that place included, without an end.

        An aside or a change of state right at the cursor may be repeated; an envelope never is.
        """
        position = min(after, self._tape.last)
        self._played = max(self._played or 0, position)
        return self._play(Playhead(position))

    async def send(self, message: bytes) -> Sent:
        """A message takes the next free place once `confirm` says that its insertion is committed."""
        try:
            outgoing = msgspec.json.decode(message, type=Outgoing)
        except msgspec.DecodeError:
            return self._refuses("", "INVALID_ENVELOPE", "the bytes are no message of the scripted runtime")
        if self._latest.knows(outgoing.message_id):
            return self._accepts(outgoing.message_id, duplicate=True, state=self._pending)
        if self._played is None:
            raise RuntimeUnavailable("the session is not being observed")
        if self._state is not SessionState.OPEN:
            return self._refuses(outgoing.message_id, "SESSION_NOT_OPEN", f"the session is {self._state}")
        if outgoing.sender not in self._plan.members:
            return self._refuses(outgoing.message_id, "FORBIDDEN", f"{outgoing.sender} is no participant")
        self._pending = self._latest.accepted(outgoing, played=self._played)
        return self._accepts(outgoing.message_id, state=self._pending)

    def may_repeat(self, message: bytes) -> bool:
        """True for all but ambient messages, as at any runtime."""
        return msgspec.json.decode(message, type=Outgoing).message_type not in AMBIENT_TYPES

    def confirm(self, adapter_state: bytes | None) -> None:
        """What a send, cancel, suspend or resume returned is committed: the stream goes on with it."""
        if self._pending is None or adapter_state is None:
            return
        if adapter_state == self._pending.dumps():
            self._pending = None
        self._apply(AdapterState.loads(adapter_state))

    async def snapshot(self) -> Observation:
        """The session as far as this handle has played it; never SessionNotFound, for any process can play it."""
        return frames.described(ObservationKind.SNAPSHOT, self._tape.snapshot(self._played))

    async def cancel(self, reason: str) -> Sent:
        """The session will be cancelled once this is confirmed; an ended one stays as it is, and that is ok."""
        if self._state in TERMINAL_SESSION_STATES:
            return self._accepts("", state=self._pending)
        return self._moves(SessionState.CANCELLED)

    async def suspend(self, reason: str) -> Sent:
        """The session will stand still once this is confirmed; refused unless it is open."""
        if self._state is not SessionState.OPEN:
            return self._refuses("", "SESSION_NOT_OPEN", f"the session is {self._state}")
        return self._moves(SessionState.SUSPENDED)

    async def resume(self, reason: str) -> Sent:
        """The session will go on once this is confirmed; refused unless it is suspended."""
        if self._state is not SessionState.SUSPENDED:
            return self._refuses("", "SESSION_NOT_OPEN", f"the session is {self._state}")
        return self._moves(SessionState.OPEN)

    async def close(self) -> None:
        """The streams of this handle end; the session itself is in plan and state, and goes on."""
        self._closed = True
        self._changed.set()

    @property
    def _latest(self) -> AdapterState:
        return self._pending or self._committed

    @property
    def _state(self) -> SessionState:
        return self._tape.outcome(self._played or 0) or self._latest.state

    def _apply(self, state: AdapterState) -> None:
        self._committed = state
        self._tape = Tape(self._plan, self._script, state, step_ms=self._interval * 1000)
        self._changed.set()

    def _moves(self, state: SessionState) -> Sent:
        self._pending = self._latest.moved(state, played=self._played)
        return self._accepts("", state=self._pending)

    def _accepts(self, message_id: str, *, duplicate: bool = False, state: AdapterState | None = None) -> Sent:
        ack = Ack(
            ok=True,
            duplicate=duplicate,
            message_id=message_id,
            session_id=self._plan.session_id,
            accepted_at_unix_ms=self._tape.time_of(max(self._played or 0, 1)),
            session_state=self._state,
            number=self._count(message_id),
        )
        return Sent(ack=ack, observation=frames.answered(ack), adapter_state=state.dumps() if state else None)

    def _refuses(self, message_id: str, code: str, message: str) -> Sent:
        error = AckError(code=code, message=message, session_id=self._plan.session_id, message_id=message_id)
        session_id, number = self._plan.session_id, self._count(message_id)
        ack = Ack(ok=False, message_id=message_id, session_id=session_id, error=error, number=number)
        return Sent(ack=ack, observation=frames.answered(ack))

    def _count(self, message_id: str) -> int:
        self._acks[message_id] = self._acks.get(message_id, 0) + 1
        return self._acks[message_id]

    async def _play(self, head: Playhead) -> AsyncIterator[Observation]:
        metronome, now = Metronome(self._interval), asyncio.get_running_loop().time
        spoken = 0
        yield frames.OPENED
        while not self._closed:
            observation = None if self._pending else self._next(head, metronome, now())
            if observation is not None:
                yield observation
                spoken += 1
                if spoken % _BREATH == 0:
                    await asyncio.sleep(0)
            elif self._pending is None and head.position < self._tape.limit:
                await self._stirred(metronome.until_due(now()))
            elif self._pending is None:
                await self._stirred(None)
                metronome.rest(now())
            else:
                await self._stirred(None)

    def _next(self, head: Playhead, metronome: Metronome, now: float) -> Observation | None:
        """What is to be said now; None while nothing is."""
        tape = self._tape
        asides = tape.asides(head.position)
        if head.said < len(asides):
            head.said += 1
            return asides[head.said - 1]
        if self._turns(head):
            return frames.described(ObservationKind.LIFECYCLE, tape.snapshot(head.position))
        if head.position >= tape.limit:
            return None
        if tape.paced(head.position + 1):
            if metronome.until_due(now) > 0:
                return None
            metronome.beat(now)
        head.position, head.said = head.position + 1, 0
        self._played = max(self._played or 0, head.position)
        return tape.said(head.position)

    def _turns(self, head: Playhead) -> bool:
        """True once per change of state that belongs to the place reached, and once at the end of the script."""
        state = self._committed
        if head.told != state.changes and state.since in (None, head.position):
            head.told = state.changes
            return True
        if not head.over and self._tape.outcome(head.position) is not None:
            head.over = True
            return True
        return False

    async def _stirred(self, seconds: float | None) -> None:
        """Something has changed, or the time is over."""
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
