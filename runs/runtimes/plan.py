"""From what a caller asked for to what an adapter needs."""

import base64
from uuid import UUID

import msgspec
import orjson

from runs.domain.events import JsonObject
from runs.domain.requests import ExecutionRequest, KickoffRequest, PayloadEnvelope, SessionRequest
from runs.runtimes.offer import Root
from runs.runtimes.port import Outgoing, Participant, SessionPlan


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """A payload, decoded: `data` as bytes, or `value` as a JSON object that the adapter encodes.

    `type_name` is the protobuf message that `value` describes; empty leaves it to the mode's message type.
    """

    encoding: str
    media_type: str | None = None
    value: JsonObject | None = None
    data: bytes | None = None
    type_name: str = ""


class KickoffMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the kickoff, its payload decoded; fields as in Outgoing."""

    kind: str
    message_type: str
    sender: str
    recipients: tuple[str, ...]
    encoding: str = "json"
    media_type: str | None = None
    payload: JsonObject | None = None
    payload_bytes: bytes | None = None
    payload_type: str = ""
    reply_timeout_ms: int | None = None


def plan_of(run_id: UUID, session_id: str, request: ExecutionRequest, *, traceparent: str = "") -> SessionPlan:
    """The session of `request` as every attempt to launch or attach it sees it."""
    session = request.session
    context, context_type = _context(session)
    return SessionPlan(
        run_id=str(run_id),
        session_id=session_id,
        mode_name=session.mode_name,
        mode_version=session.mode_version,
        configuration_version=session.configuration_version,
        policy_version=session.policy_version,
        ttl_ms=session.ttl_ms,
        initiator=request.initiator,
        opener=session.opener,
        participants=tuple(
            Participant(id=one.id, role=one.role or "", transport_identity=one.transport_identity or "")
            for one in session.participants
        ),
        roots=tuple(Root(uri=root.uri, name=root.name or "") for root in session.roots),
        intent=session.text("intent"),
        context_id=session.text("contextId"),
        context=context,
        context_type=context_type,
        options=request.runtime.options,
        scenario=session.text("scenario"),
        kickoff_count=len(request.kickoff),
        traceparent=traceparent,
    )


def kickoff_of(request: ExecutionRequest) -> list[KickoffMessage]:
    """The kickoff messages of `request`, in the order of sending."""
    return [_kickoff_message(message) for message in request.kickoff]


def outgoing_of(message: KickoffMessage, *, message_id: str) -> Outgoing:
    """The message as an adapter encodes it."""
    return Outgoing(
        message_id=message_id,
        message_type=message.message_type,
        sender=message.sender,
        recipients=message.recipients,
        payload=message.payload,
        payload_bytes=message.payload_bytes,
        payload_type=message.payload_type,
    )


def payload_of(payload: JsonObject | None, envelope: PayloadEnvelope | None) -> Payload:
    """What `payload` or `payloadEnvelope` of a request holds; an empty object where neither was given."""
    if envelope is None:
        return Payload(encoding="json", value=payload or {})
    media_type = envelope.media_type
    match envelope.encoding:
        case "text":
            return Payload(encoding="text", media_type=media_type, data=(envelope.text or "").encode())
        case "base64":
            return Payload(encoding="base64", media_type=media_type, data=base64.b64decode(envelope.base64 or ""))
        case "proto" if envelope.proto is not None:
            proto = envelope.proto
            return Payload(encoding="proto", media_type=media_type, value=proto.value, type_name=proto.type_name)
    return Payload(encoding="json", media_type=media_type, value=envelope.json or {})


def _kickoff_message(message: KickoffRequest) -> KickoffMessage:
    payload = payload_of(message.payload, message.payload_envelope)
    return KickoffMessage(
        kind=message.kind,
        message_type=message.message_type,
        sender=message.sender,
        recipients=message.to,
        encoding=payload.encoding,
        media_type=payload.media_type,
        payload=payload.value,
        payload_bytes=payload.data,
        payload_type=payload.type_name,
        reply_timeout_ms=message.reply_timeout_ms,
    )


def _context(session: SessionRequest) -> tuple[bytes, str]:
    """The context, and the protobuf type that it is JSON of."""
    if session.context_envelope is not None:
        payload = payload_of(None, session.context_envelope)
        return payload.data if payload.data is not None else orjson.dumps(payload.value), payload.type_name
    return b"" if session.context is None else orjson.dumps(session.context), ""
