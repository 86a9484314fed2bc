"""All sessions of the stand-in: what it accepts, and what follows from it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import time

from macp.v1.core_pb2 import WatchSessionsResponse, WatchSignalsResponse
from macp.v1.envelope_pb2 import Ack, Envelope, MACPError

from tests.stand_in_runtime.faults import Faults
from tests.stand_in_runtime.log import CANCELLED, FORGOTTEN, OPEN, RESOLVED, SUSPENDED, Entry, Journal, SessionLog

CREATED, SAYS_RESOLVED, SAYS_SUSPENDED, SAYS_RESUMED, SAYS_CANCELLED = 1, 2, 4, 5, 6
TERMINAL = {RESOLVED, CANCELLED}


class Sessions:
    """Decides on every message under no lock: nothing here waits."""

    def __init__(self, faults: Faults, data: Path | None) -> None:
        self.logs: dict[str, SessionLog] = {}
        self.lifecycle: set[asyncio.Queue[bytes]] = set()
        self.signals: set[asyncio.Queue[bytes]] = set()
        self._faults = faults
        self._journal = Journal(data)
        for entry in self._journal.read():
            self._remember(entry)

    def _remember(self, entry: Entry) -> None:
        if entry.envelope is not None:
            self._apply(entry.envelope, entry.at)
        if entry.state == FORGOTTEN:
            self.logs.pop(entry.session_id, None)
        elif entry.state is not None:
            self.logs[entry.session_id].state = entry.state
        if entry.played is not None and entry.session_id in self.logs:
            self.logs[entry.session_id].activity["load"] = entry.played

    def send(self, envelope: Envelope, identity: str) -> Ack:
        """The answer to one message; what is accepted is in the journal before anybody hears of it."""
        refusal = self._refusal(envelope, identity)
        if refusal:
            return refused(envelope, refusal)
        log = self.logs.get(envelope.session_id)
        if log is not None and envelope.message_id in log.ids:
            return _accepted(envelope, log.state, duplicate=True)
        envelope.sender = identity
        if envelope.message_type == "Signal":
            return self._signal(envelope)
        if log is not None and log.state != OPEN:
            return refused(envelope, "SESSION_NOT_OPEN")
        self._journal.write(envelope.session_id, envelope=envelope)
        log = self._apply(envelope, time())
        if envelope.message_type == "SessionStart":
            self.announce(CREATED, log)
        if envelope.message_type == "Commitment":
            self.move(log, RESOLVED, SAYS_RESOLVED)
        return _accepted(envelope, log.state)

    def _refusal(self, envelope: Envelope, identity: str) -> str:
        log = self.logs.get(envelope.session_id)
        if not identity or envelope.sender not in ("", identity):
            return "UNAUTHENTICATED"
        if not envelope.message_id or not envelope.message_type or envelope.macp_version != "1.0":
            return "INVALID_ENVELOPE"
        if envelope.message_type == "Signal":
            return "INVALID_ENVELOPE" if envelope.session_id or envelope.mode else ""
        if envelope.message_type == "SessionStart":
            return "SESSION_ALREADY_EXISTS" if log is not None and envelope.message_id not in log.ids else ""
        if log is None:
            return "SESSION_NOT_FOUND"
        if identity != log.initiator and (
            identity not in log.start.participants or envelope.message_type == "Commitment"
        ):
            return "FORBIDDEN"
        return "INTERNAL_ERROR" if self._faults.next("refuse") else ""

    def _apply(self, envelope: Envelope, at: float) -> SessionLog:
        log = self.logs.get(envelope.session_id)
        if log is None:
            log = self.logs[envelope.session_id] = SessionLog(envelope, self._faults, at)
        else:
            log.append(envelope)
        return log

    def _signal(self, envelope: Envelope) -> Ack:
        frame = WatchSignalsResponse(envelope=envelope, sender_authenticated=False).SerializeToString()
        for watcher in self.signals:
            watcher.put_nowait(frame)
        return _accepted(envelope, OPEN)

    def cancel(self, session_id: str) -> Ack:
        """Cancelled; an ended session stays as it is."""
        log = self.logs[session_id]
        if log.state not in TERMINAL:
            self.move(log, CANCELLED, SAYS_CANCELLED)
        return Ack(ok=True, session_id=session_id, session_state=log.state)

    def suspend(self, session_id: str) -> Ack:
        """Suspended, if it was open."""
        return self._steer(session_id, OPEN, SUSPENDED, SAYS_SUSPENDED)

    def resume(self, session_id: str) -> Ack:
        """Open again, if it was suspended."""
        return self._steer(session_id, SUSPENDED, OPEN, SAYS_RESUMED)

    def _steer(self, session_id: str, source: int, target: int, event: int) -> Ack:
        log = self.logs[session_id]
        if log.state != source:
            return Ack(ok=False, session_id=session_id, error=MACPError(code="SESSION_NOT_OPEN", session_id=session_id))
        self.move(log, target, event)
        return Ack(ok=True, session_id=session_id, session_state=log.state)

    def move(self, log: SessionLog, state: int, event: int) -> None:
        """The session is in `state`, durably, and every watcher hears of it."""
        log.state = state
        self._journal.write(log.session_id, state=state)
        self.announce(event, log)
        log.stir()
        if state in TERMINAL:
            self._confuse(event, log)

    def _confuse(self, event: int, log: SessionLog) -> None:
        if self._faults.next("end-twice"):
            self.announce(event, log)
        if self._faults.next("end-otherwise"):
            log.state = CANCELLED
            self._journal.write(log.session_id, state=CANCELLED)
            self.announce(SAYS_CANCELLED, log)

    def played(self, log: SessionLog, messages: int) -> None:
        """A load session has come so far."""
        if messages > log.activity["load"]:
            log.activity["load"] = messages
            self._journal.write(log.session_id, played=messages)
            log.stir()

    def forget(self, session_id: str) -> None:
        """There is no such session, and there never was."""
        log = self.logs.pop(session_id, None)
        if log is not None:
            log.state = FORGOTTEN
            log.stir()
            self._journal.write(session_id, state=FORGOTTEN)

    def announce(self, event: int, log: SessionLog) -> None:
        """Every watcher of sessions hears of it."""
        frame = lifecycle_frame(event, log)
        for watcher in self.lifecycle:
            watcher.put_nowait(frame)

    def steering(self, rpc: str) -> Callable[[str], Ack]:
        """The verb of a steering RPC."""
        return {"CancelSession": self.cancel, "SuspendSession": self.suspend, "ResumeSession": self.resume}[rpc]


def lifecycle_frame(event: int, log: SessionLog) -> bytes:
    """One frame of the watch of sessions."""
    told = WatchSessionsResponse()
    told.event.event_type = event
    told.event.session.CopyFrom(log.metadata())
    return bytes(told.SerializeToString())


def refused(envelope: Envelope, code: str) -> Ack:
    """A refusal in the manner of the runtime: no state, the ids, the code."""
    error = MACPError(code=code, message=code, session_id=envelope.session_id, message_id=envelope.message_id)
    return Ack(ok=False, message_id=envelope.message_id, session_id=envelope.session_id, error=error)


def _accepted(envelope: Envelope, state: int, *, duplicate: bool = False) -> Ack:
    return Ack(
        ok=True,
        duplicate=duplicate,
        message_id=envelope.message_id,
        session_id=envelope.session_id,
        accepted_at_unix_ms=int(time() * 1000),
        session_state=state,
    )
