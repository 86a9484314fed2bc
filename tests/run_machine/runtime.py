"""Sessions as they really are at their runtime: the truth of which an owner hears through a wire that cannot be trusted."""

from collections.abc import AsyncIterator
from enum import StrEnum

import orjson

from runs.domain.events import (
    TERMINAL_SESSION_STATES,
    Ack,
    Envelope,
    InlineError,
    Observation,
    ObservationKind,
    SessionState,
    StreamStatus,
    Undecodable,
)
from runs.errors import RuntimeFault, RuntimeRejected, RuntimeTimedOut, RuntimeUnavailable, SessionNotFound
from runs.runtimes.port import Sent, SessionPlan
from tests.cast import MODE, session_now


class Mood(StrEnum):
    """How a runtime treats whoever asks it about one session."""

    ANSWERS = "answers"
    COMPACTED = "answers, but replays nothing"
    AWAY = "cannot be reached"
    SILENT = "does not answer"
    FORGETFUL = "does not know the session"


_FAULTS: dict[Mood, RuntimeFault] = {
    Mood.AWAY: RuntimeUnavailable("connection refused"),
    Mood.SILENT: RuntimeTimedOut("no answer"),
    Mood.FORGETFUL: SessionNotFound("no such session"),
}


THEIRS = "somebody-elses"


class SessionAtRuntime:
    """One session: every line it has said since SessionStart, and where it stands."""

    def __init__(self, session_id: str) -> None:
        self.id = session_id
        self.lines: list[Observation] = []
        self.state = SessionState.OPEN
        self.mood = Mood.ANSWERS
        self._start = "m-1"

    @property
    def exists(self) -> bool:
        """True once somebody has opened it."""
        return bool(self.lines)

    @property
    def is_theirs(self) -> bool:
        """True if somebody else has opened it."""
        return self._start == THEIRS

    @property
    def is_over(self) -> bool:
        """True once it can say nothing more."""
        return self.state in TERMINAL_SESSION_STATES

    def open(self, start: str) -> None:
        """It is open, and its first line is the SessionStart of this message id; opening it again changes nothing."""
        if not self.exists:
            self._start = start
            self.say("SessionStart")

    def say(self, kind: str) -> None:
        """One more line, which every subscriber is told in its place."""
        number = len(self.lines) + 1
        self.lines.append(_unreadable(number) if kind == "poison" else self.line(number, kind))

    def line(self, number: int, kind: str, *, text: str = "as it was said") -> Observation:
        """The envelope with this number; `text` tells one content from another under the same id."""
        return line(number, kind, text=text, message_id=self._start if number == 1 else f"m-{number}")

    def now(self) -> Observation:
        """What GetSession answers."""
        return session_now(self.state, count=len(self.lines) - 1)

    def missing_after(self, cursor: int) -> list[Observation]:
        """What a subscriber is told who has counted `cursor` envelopes."""
        return self.lines[cursor:]

    @property
    def fault(self) -> RuntimeFault | None:
        """What whoever asks for it meets; None where there is an answer."""
        return _FAULTS.get(self.mood) or (None if self.exists else SessionNotFound("not yet"))

    @property
    def is_unknown(self) -> bool:
        """True if the runtime answers that there is no such session."""
        return isinstance(self.fault, SessionNotFound)


def line(number: int, kind: str, *, text: str, message_id: str) -> Observation:
    """An envelope of this id; who says what follows from its number."""
    body = Envelope(
        mode=MODE,
        message_type=kind,
        message_id=message_id,
        session_id="s",
        sender=("lead", "alice", "bob")[number % 3],
        payload=orjson.dumps({"text": text, "proposalId": f"p-{number % 2}"}),
    )
    return Observation(kind=ObservationKind.ENVELOPE, body=body, raw=body.payload, source_id=f"env:{message_id}")


def _unreadable(number: int) -> Observation:
    raw = b"\xff%d" % number
    body = Undecodable(reason="bad wire type")
    return Observation(kind=ObservationKind.UNDECODABLE, body=body, raw=raw, source_id=f"env:sha256:{number}")


def aside(number: int, kind: str) -> Observation:
    """Something that is heard beside the session's own lines, and takes no place among them."""
    body: Envelope | InlineError | StreamStatus
    match kind:
        case "ambient":
            body = Envelope(
                mode="",
                message_type="Signal",
                message_id=f"s-{number}",
                session_id="",
                sender="alice",
                payload=b"\x00\xff",
                decoded={"signalType": "alarm"},
            )
            source_id = f"amb:alice:s-{number}"
            return Observation(kind=ObservationKind.AMBIENT, body=body, raw=body.payload, source_id=source_id)
        case "inline error":
            body = InlineError(code="FORBIDDEN", message="no", message_id=f"e-{number}")
            return Observation(kind=ObservationKind.INLINE_ERROR, body=body, raw=b"error")
        case _:
            body = StreamStatus(status="opened")
            return Observation(kind=ObservationKind.STREAM_STATUS, body=body)


def answer(message_id: str, *, ok: bool, number: int) -> Observation:
    """The runtime's answer to a message that was sent to it."""
    body = Ack(ok=ok, message_id=message_id, session_id="s", number=number)
    return Observation(kind=ObservationKind.ACK, body=body, raw=b"ack", source_id=f"ack:{message_id}:{number}")


class SessionHandle:
    """A session as the port gives it to whoever sweeps or owns."""

    def __init__(self, session: SessionAtRuntime) -> None:
        self._session = session

    async def observe(self, after: int) -> AsyncIterator[Observation]:
        if self._session.mood is Mood.COMPACTED:
            raise RuntimeRejected("history compacted", runtime_code="HISTORY_UNAVAILABLE")
        if (fault := self._session.fault) is not None:
            raise fault
        yield aside(0, "status")
        for one in self._session.missing_after(after):
            yield one

    async def snapshot(self) -> Observation:
        if (fault := self._session.fault) is not None:
            raise fault
        return self._session.now()

    async def cancel(self, reason: str) -> Sent:
        if (fault := self._session.fault) is not None:
            raise fault
        assert not self._session.is_theirs, "nobody but who opened a session cancels it"
        if not self._session.is_over:
            self._session.state = SessionState.CANCELLED
        observation = answer("", ok=True, number=1)
        assert isinstance(observation.body, Ack)
        return Sent(ack=observation.body, observation=observation)

    async def close(self) -> None:
        """Nothing is held."""


class SimulatedRuntimes:
    """Every runtime there is, found as a process finds its own."""

    def __init__(self) -> None:
        self._sessions: dict[str, SessionAtRuntime] = {}

    def add(self, run_id: str, session: SessionAtRuntime) -> None:
        """The session of this run can be asked for."""
        self._sessions[run_id] = session

    def get(self, kind: str) -> "SimulatedRuntimes":
        return self

    def attach(self, plan: SessionPlan, *, adapter_state: bytes | None) -> SessionHandle:
        return SessionHandle(self._sessions[plan.run_id])

    async def close(self) -> None:
        """Nothing is open."""
