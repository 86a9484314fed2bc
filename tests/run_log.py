"""A run's log, written by hand."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from runs.domain.events import Event, JsonObject

RUN_ID = UUID("77aa0000-0000-7000-8000-000000000001")
START = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
CAST = ("alice", "bob", "carol", "dave")


class Log:
    """A log under construction: `write` numbers an event, dates it one second after the one before, and keeps it."""

    def __init__(self, first_seq: int = 1) -> None:
        self.events: list[Event] = []
        self._first_seq = first_seq

    def write(
        self,
        event_type: str,
        data: Mapping[str, object] | None = None,
        subject: tuple[str, str] | None = None,
        *,
        trace_id: str | None = None,
        span_id: str | None = None,
    ) -> Event:
        """The event is the last one of the log."""
        seq = self._first_seq + len(self.events)
        kind, subject_id = subject or (None, None)
        event = Event(
            id=uuid5(RUN_ID, str(seq)),
            run_id=RUN_ID,
            seq=seq,
            ts=at(seq),
            type=event_type,
            data=dict(data or {}),
            source_kind="control-plane",
            source_name="observer",
            subject_kind=kind,
            subject_id=subject_id,
            trace_id=trace_id,
            span_id=span_id,
        )
        self.events.append(event)
        return event

    def bind(self, participants: tuple[str, ...] = CAST, **more: object) -> None:
        """The run was launched and its session is bound; the first participant is the initiator."""
        self.write("run.created", {"status": "queued", "modeName": "macp.mode.decision.v1"}, ("run", str(RUN_ID)))
        self.write("run.started", {"status": "starting"}, ("run", str(RUN_ID)))
        bound = {
            "sessionId": "s-1",
            "initiator": participants[0],
            "participants": list(participants),
            "state": "SESSION_STATE_OPEN",
            "modeName": "macp.mode.decision.v1",
            "policyVersion": "policy.default",
            "runStatus": "binding_session",
        }
        self.write("session.bound", {**bound, **more}, ("session", "s-1"))

    def see(self, participant: str, role: str | None = None) -> None:
        """The participant is known to the run."""
        data: JsonObject = {"participantId": participant, "status": "idle"}
        self.write("participant.seen", data | ({"role": role} if role else {}), ("participant", participant))

    def hear(self, sender: str, message_type: str, payload: Mapping[str, object], message_id: str | None = None) -> str:
        """A message of the session was received; returns its id."""
        message_id = message_id or f"m-{self._first_seq + len(self.events)}"
        data: JsonObject = {"messageType": message_type, "messageId": message_id, "sender": sender, "payload": payload}
        self.write("message.received", {"sessionId": "s-1", **data}, ("message", message_id))
        return message_id

    def derive(
        self,
        event_type: str,
        sender: str,
        message_type: str,
        payload: Mapping[str, object],
        subject: tuple[str, str],
        type_name: str | None = None,
    ) -> Event:
        """What a message means was written down."""
        data: JsonObject = {"messageType": message_type, "messageId": f"m-of-{subject[1]}", "sender": sender}
        named: JsonObject = {"payloadTypeName": type_name} if type_name else {}
        return self.write(event_type, data | named | {"decodedPayload": payload}, subject)

    def answer(
        self, sender: str, message_type: str, proposal: str, payload: Mapping[str, object] | None = None
    ) -> Event:
        """A participant said something to a proposal."""
        return self.derive("proposal.updated", sender, message_type, payload or {}, ("proposal", proposal))

    def send(self, status: str, previous: str | None, message_id: str, sender: str = "alice", **more: object) -> Event:
        """One of our own messages has a new status."""
        event_type = {"queued": "message.queued", "sent": "message.sent", "accepted": "message.sent"}.get(
            status, "message.send_failed"
        )
        data: JsonObject = {"messageId": message_id, "sender": sender, "messageType": "Note", "to": ["bob"]}
        data |= {"status": status, "previousStatus": previous, "category": "message"} | more
        return self.write(event_type, data, ("message", message_id))

    def end(self, status: str = "completed", code: str = "resolved") -> Event:
        """The run has ended."""
        certificate = {"status": status, "code": code, "decidedBy": "runtime", "evidence": {}}
        data: JsonObject = {"status": status, "runStatus": status, "endedAt": at(0), "ending": certificate}
        return self.write(f"run.{status}", data, ("run", str(RUN_ID)))


def at(seq: int) -> str:
    """The time of the event with this number."""
    return (START + timedelta(seconds=seq)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
