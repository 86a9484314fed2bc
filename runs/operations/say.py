"""Say: what sending, signalling and updating the context share. A message is stored in the run, and its fate waited for.

    encode the exact bytes -> lock the run: running? may we speak for the sender? -> store, message.queued, audit -> COMMIT
    -> the run's owner sends it -> its fate is the answer

Nothing here calls a runtime.
"""

from dataclasses import dataclass, field
from uuid import UUID

import orjson

from runs import hub
from runs.audit import Actor, note
from runs.domain.lifecycle import RunStatus
from runs.domain.outbound import payload_descriptor
from runs.domain.requests import decode_request
from runs.errors import FieldFault, Forbidden, InvalidTransition, RunNotFound, RuntimeRejected, ValidationFailed
from runs.models import OutboundMessage, Run
from runs.models.identity import uuid7
from runs.operations.fate import Accepted, await_acceptance
from runs.recorder import RunWriter, writing
from runs.recorder.queued import NewMessage, queue_message
from runs.runtimes.plan import Payload, plan_of
from runs.runtimes.port import Outgoing, Runtime, SessionPlan
from runs.runtimes.registry import adapter_class


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """What is to be said: `outgoing` as the runtime is told, the rest as the row and the events tell it.

    `payload` is what the caller gave, at `payload_path` of its request.
    """

    category: str
    message_type: str
    outgoing: Outgoing
    payload: Payload
    payload_path: str
    reply_timeout_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Into which run something is said, under which id, and who asked for it."""

    project_id: UUID
    run_id: UUID
    actor: Actor
    request_id: str | None
    message_id: UUID = field(default_factory=uuid7)


def say(speech: Speech, occasion: Occasion) -> Accepted:
    """The runtime has accepted the message. Every other fate is an error that names the message and says what became of it.

    One that is stored already under the id of the occasion is not said again: the answer is its fate.
    Raises RunNotFound, ValidationFailed (the payload does not fit its type), InvalidTransition (the run is not running) and
    Forbidden before anything is stored, and what `await_acceptance` raises.
    """
    run = _run_of(occasion)
    if OutboundMessage.objects.filter(run_id=run.id, message_id=occasion.message_id).exists():
        return await_acceptance(run.id, occasion.message_id, queued_seq=0)
    plan = plan_of(run.id, run.session_id or "", decode_request(run.request))
    runtime = adapter_class(run.runtime_kind).configured()
    body = _encoded(speech, plan, runtime)
    with writing(run.id, epoch=None, step="send.store") as writer:
        _require_speaker(writer, plan, runtime, speech.outgoing.sender)
        message = _message(writer, speech, body)
        queued = queue_message(writer, message, source_name="api")
        _note(occasion, message)
        hub.call_observers()
    return await_acceptance(run.id, message.message_id, queued_seq=queued.seq)


def _run_of(occasion: Occasion) -> Run:
    run = Run.objects.filter(id=occasion.run_id, project_id=occasion.project_id).first()
    if run is None:
        raise RunNotFound
    return run


def _encoded(speech: Speech, plan: SessionPlan, runtime: Runtime) -> bytes:
    try:
        return runtime.encode_message(plan, speech.outgoing)
    except RuntimeRejected as refused:
        raise ValidationFailed([FieldFault(speech.payload_path, refused.message)]) from refused


def _require_speaker(writer: RunWriter, plan: SessionPlan, runtime: Runtime, sender: str) -> None:
    status = writer.run.status
    if status != RunStatus.RUNNING:
        raise InvalidTransition(f"run is {status} and takes no messages", details={"from": status})
    # The initiator of a session that an agent opened is known by its runtime alone.
    if sender not in plan.members | {writer.session.initiator}:
        reason = {"reason": "not_a_participant"}
        raise Forbidden("the sender is neither a participant of the run nor its initiator", details=reason)
    if not runtime.may_send_as(plan, sender):
        raise Forbidden("no credential is held for the sender", details={"reason": "no_sender_credential"})


def _message(writer: RunWriter, speech: Speech, body: bytes) -> NewMessage:
    return NewMessage(
        message_id=UUID(speech.outgoing.message_id),
        category=speech.category,
        message_type=speech.message_type,
        sender=speech.outgoing.sender,
        recipients=speech.outgoing.recipients,
        body=body,
        payload_descriptor=_described(writer, speech.payload),
        reply_timeout_ms=speech.reply_timeout_ms,
    )


def _described(writer: RunWriter, payload: Payload) -> dict[str, object]:
    return payload_descriptor(
        payload.data if payload.data is not None else orjson.dumps(payload.value),
        redactor=writer.context.redactor,
        decoded=payload.value if payload.type_name else None,
        type_name=payload.type_name or None,
        media_type=payload.media_type,
    )


def _note(occasion: Occasion, message: NewMessage) -> None:
    note(
        project_id=occasion.project_id,
        actor=occasion.actor,
        action="message.sent",
        resource="run",
        resource_id=str(occasion.run_id),
        details={"messageId": str(message.message_id), "category": message.category},
        request_id=occasion.request_id,
    )
