"""What we say to the runtime, as bytes. Pure, and equal for equal values: what is stored is what is sent again."""

from uuid import UUID, uuid5

import msgspec
import orjson

from runs.domain.events import JsonObject
from runs.runtimes.macp import wire
from runs.runtimes.macp.payloads import encode_payload
from runs.runtimes.port import Outgoing, SessionPlan

PROTOCOL_VERSION = "1.0"
CONTEXT_EXTENSION = "x-signalbox.context"


def start_bytes(plan: SessionPlan) -> bytes:
    """The SessionStart of a plan; equal plans give equal bytes.

    The timestamp stays 0: the runtime then counts the session's deadline by its own clock, and a start that is sent
    again an hour later asks for the same thing. Raises RuntimeRejected for a context that does not fit its type.
    """
    payload = wire.SessionStartPayload(
        intent=plan.intent,
        participants=[participant.id for participant in plan.participants],
        mode_version=plan.mode_version,
        configuration_version=plan.configuration_version,
        policy_version=plan.policy_version,
        ttl_ms=plan.ttl_ms,
        roots=[wire.Root(uri=root.uri, name=root.name) for root in plan.roots],
        context_id=plan.context_id,
        extensions={CONTEXT_EXTENSION: context} if (context := _context(plan)) else {},
    )
    return _sealed(
        plan,
        sender=plan.initiator,
        message_type="SessionStart",
        message_id=str(uuid5(UUID(plan.run_id), "start")),
        payload=payload.SerializeToString(deterministic=True),
    )


def message_bytes(plan: SessionPlan, message: Outgoing) -> bytes:
    """One message of the session, or an ambient one that speaks of it. Raises RuntimeRejected for a bad payload."""
    if message.message_type == "ContextUpdate":
        message = _as_signal(message)
    if message.message_type == "Signal":
        return _signal_bytes(plan, message)
    return _sealed(
        plan,
        sender=message.sender,
        message_type=message.message_type,
        message_id=message.message_id,
        payload=_payload_bytes(plan.mode_name, message),
    )


def _payload_bytes(mode: str, message: Outgoing) -> bytes:
    if message.payload_bytes is not None:
        return message.payload_bytes
    if message.payload is None:
        return b""
    return encode_payload(mode, message.message_type, message.payload, type_name=message.payload_type)


def _as_signal(message: Outgoing) -> Outgoing:
    """The protocol has no ContextUpdate; its place is a signal of that name."""
    payload: JsonObject = {"signalType": "context.update", "dataJson": message.payload or {}}
    return msgspec.structs.replace(message, message_type="Signal", payload=payload)


def _signal_bytes(plan: SessionPlan, message: Outgoing) -> bytes:
    """A signal names neither session nor mode; only its correlation ties it to the run."""
    if message.payload_bytes is None:
        given = {"correlationSessionId": plan.session_id, **(message.payload or {})}
        data = given.pop("dataJson", None)
        payload = wire.SignalPayload.FromString(encode_payload("", "Signal", given))
        if data is not None:
            payload.data = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
        message = msgspec.structs.replace(message, payload_bytes=payload.SerializeToString(deterministic=True))
    envelope = wire.Envelope(
        macp_version=PROTOCOL_VERSION,
        message_type="Signal",
        message_id=message.message_id,
        sender=message.sender,
        payload=message.payload_bytes or b"",
    )
    return envelope.SerializeToString(deterministic=True)


def _context(plan: SessionPlan) -> bytes:
    if not plan.context_type:
        return plan.context
    return encode_payload(plan.mode_name, "context", orjson.loads(plan.context), type_name=plan.context_type)


def _sealed(plan: SessionPlan, *, sender: str, message_type: str, message_id: str, payload: bytes) -> bytes:
    envelope = wire.Envelope(
        macp_version=PROTOCOL_VERSION,
        mode=plan.mode_name,
        message_type=message_type,
        message_id=message_id,
        session_id=plan.session_id,
        sender=sender,
        payload=payload,
    )
    return envelope.SerializeToString(deterministic=True)
