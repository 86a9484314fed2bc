"""The cast of runs: runs in known states and observations to feed them, for every test that needs rows."""

from uuid import UUID

import orjson

from runs.domain.events import (
    Ack,
    Draft,
    Envelope,
    EventType,
    Observation,
    ObservationKind,
    SessionSnapshot,
    SessionState,
)
from runs.domain.outbound import outbound_data
from runs.domain.projection import SCHEMA_VERSION, dump, empty
from runs.models import OutboundMessage, Projection, Run, RuntimeSession
from runs.models.identity import uuid7
from runs.recorder import record, writing
from runs.recorder.messages import facts_of

MODE = "macp.mode.decision.v1"
PEOPLE = ("lead", "alice", "bob")


def queued_run(**columns: object) -> Run:
    """A run nobody has touched since it was created."""
    run_id = uuid7()
    run = Run.objects.create(
        id=run_id,
        mode="live",
        mode_name=MODE,
        runtime_kind="scripted",
        session_id=str(run_id),
        session_opener="control-plane",
        request="{}",
        request_digest=b"",
        **columns,
    )
    public, private = dump(empty(str(run_id)))
    RuntimeSession.objects.create(run=run)
    Projection.objects.create(run=run, state=public.decode(), private=private.decode(), schema_version=SCHEMA_VERSION)
    record(run_id, [run_event(run_id, EventType.RUN_CREATED, "queued", modeName=MODE)], epoch=None)
    return fresh(run)


def running_run(**columns: object) -> Run:
    """A run whose session is bound and whose kickoff is done."""
    run = queued_run(**columns)
    session = {"sessionId": run.session_id, "participants": list(PEOPLE), "initiator": "lead", "modeName": MODE}
    record(
        run.id,
        [
            run_event(run.id, EventType.RUN_STARTED, "starting"),
            Draft(type=EventType.SESSION_BOUND, data={**session, "runStatus": "binding_session"}),
            Draft(type=EventType.SESSION_STATE_CHANGED, data={**session, "runStatus": "running"}),
        ],
        epoch=None,
    )
    return fresh(run)


def fresh(run: Run) -> Run:
    """The run as the database has it now."""
    return Run.objects.select_related("session", "projection").get(id=run.id)


def run_event(run_id: UUID, kind: EventType, status: str, **data: object) -> Draft:
    """One of our own run.* events."""
    return Draft(type=kind, data={"status": status, **data}, subject_kind="run", subject_id=str(run_id))


def queued_message(run: Run, **columns: object) -> OutboundMessage:
    """A stored message of the run that waits to be sent, with the event that says so."""
    with writing(run.id, epoch=None) as writer:
        message = OutboundMessage.objects.create(
            **{
                "run_id": run.id,
                "message_id": uuid7(),
                "position": OutboundMessage.objects.filter(run_id=run.id).count(),
                "category": "kickoff",
                "message_type": "Proposal",
                "sender": "lead",
                "payload_descriptor": '{"encoding":"json","sizeBytes":2}',
                **columns,
            }
        )
        data = outbound_data(facts_of(message, "s"), status="queued", previous=None)
        subject = str(message.message_id)
        writer.append(
            [Draft(type=EventType.MESSAGE_QUEUED, data=data, subject_kind="message", subject_id=subject)],
        )
    return message


def envelope(number: int | str, *, sender: str = "alice", kind: str = "Note", text: str = "hello") -> Observation:
    """A session envelope whose message id is `m-<number>`."""
    payload = orjson.dumps({"text": text})
    body = Envelope(
        mode=MODE, message_type=kind, message_id=f"m-{number}", session_id="s", sender=sender, payload=payload
    )
    return Observation(kind=ObservationKind.ENVELOPE, body=body, raw=b"raw " + payload, source_id=f"env:m-{number}")


def session_now(state: SessionState, *, count: int | None = None) -> Observation:
    """What GetSession says."""
    body = SessionSnapshot(session_id="s", state=state, mode_name=MODE, message_count=count)
    return Observation(kind=ObservationKind.SNAPSHOT, body=body, raw=b"snapshot")


def ack(message_id: str, *, ok: bool = True, number: int = 1) -> Observation:
    """The runtime's answer to a send."""
    body = Ack(ok=ok, message_id=message_id, session_id="s", number=number)
    return Observation(kind=ObservationKind.ACK, body=body, raw=b"ack", source_id=f"ack:{message_id}:{number}")
