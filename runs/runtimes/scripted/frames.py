"""What a scripted session shows of itself: observations whose raw bytes are one JSON object each."""

import base64
from collections.abc import Mapping

import orjson

from runs.domain.events import (
    Ack,
    Envelope,
    JsonObject,
    Observation,
    ObservationKind,
    SessionSnapshot,
    StreamStatus,
)

_CORE = frozenset({"SessionStart", "Commitment", "Signal", "Progress"})
_OF_MODE = {
    "macp.mode.decision.v1": ("decision", "Proposal Evaluation Objection Vote"),
    "macp.mode.proposal.v1": ("proposal", "Proposal CounterProposal Accept Reject Withdraw"),
    "macp.mode.task.v1": ("task", "TaskRequest TaskAccept TaskReject TaskUpdate TaskComplete TaskFail"),
    "macp.mode.handoff.v1": ("handoff", "HandoffOffer HandoffContext HandoffAccept HandoffDecline"),
    "macp.mode.quorum.v1": ("quorum", "ApprovalRequest Approve Reject Abstain"),
    "ext.multi_round.v1": ("multi_round", "Contribute"),
}
_TYPE_NAMES = {
    (mode, message_type): f"macp.modes.{package}.v1.{message_type}Payload"
    for mode, (package, types) in _OF_MODE.items()
    for message_type in types.split()
}


def type_name(mode: str, message_type: str) -> str | None:
    """The full name of a message's payload type; None where the mode does not know the message."""
    if message_type in _CORE:
        return f"macp.v1.{message_type}Payload"
    return _TYPE_NAMES.get((mode, message_type))


def envelope(
    *,
    mode: str,
    session_id: str,
    message_id: str,
    message_type: str,
    sender: str,
    content: Mapping[str, object] | bytes,
    timestamp_unix_ms: int,
) -> Envelope:
    """One message; `content` is its payload as a JSON object, or the payload's bytes."""
    payload = content if isinstance(content, bytes) else orjson.dumps(content)
    name = type_name(mode, message_type)
    decoded = _decoded(message_type, content) if name else None
    return Envelope(
        mode="" if message_type == "Signal" else mode,
        session_id="" if message_type == "Signal" else session_id,
        message_type=message_type,
        message_id=message_id,
        sender=sender,
        payload=payload,
        timestamp_unix_ms=timestamp_unix_ms,
        decoded=decoded,
        type_name=name if decoded is not None else None,
    )


OPENED = Observation(
    kind=ObservationKind.STREAM_STATUS,
    body=StreamStatus(status="opened"),
    raw=orjson.dumps({"kind": ObservationKind.STREAM_STATUS, "status": "opened"}),
)


def said(spoken: Envelope) -> Observation:
    """An envelope as the session stream shows it."""
    return _shown(ObservationKind.ENVELOPE, spoken, f"env:{spoken.message_id}")


def said_aside(spoken: Envelope) -> Observation:
    """An ambient envelope, as the signal watch shows it."""
    return _shown(ObservationKind.AMBIENT, spoken, f"amb:{spoken.sender}:{spoken.message_id}")


def answered(ack: Ack) -> Observation:
    """An ack; the answers to cancel, suspend and resume name no message and so have no identity."""
    raw = orjson.dumps({"kind": ObservationKind.ACK, "ack": _ack_members(ack)})
    identity = f"ack:{ack.message_id}:{ack.number}" if ack.message_id else None
    return Observation(kind=ObservationKind.ACK, body=ack, raw=raw, source_id=identity)


def described(kind: ObservationKind, session: SessionSnapshot) -> Observation:
    """The session as it is: kind SNAPSHOT (asked for) or LIFECYCLE (told)."""
    members = {_camel(name): getattr(session, name) for name in session.__struct_fields__}
    return Observation(kind=kind, body=session, raw=orjson.dumps({"kind": kind, "session": members}))


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _shown(kind: ObservationKind, spoken: Envelope, identity: str) -> Observation:
    members = {
        "mode": spoken.mode,
        "messageType": spoken.message_type,
        "messageId": spoken.message_id,
        "sessionId": spoken.session_id,
        "sender": spoken.sender,
        "timestampUnixMs": spoken.timestamp_unix_ms,
    }
    raw = _with_payload(kind, members, spoken)
    return Observation(kind=kind, body=spoken, raw=raw, source_id=identity)


def _with_payload(kind: ObservationKind, members: dict[str, object], spoken: Envelope) -> bytes:
    """JSON goes in as it is (what a reader of raw bytes hopes to see), anything else in base64."""
    frame = {"kind": kind, "envelope": members}
    if spoken.payload and _is_json(spoken):
        members["payload"] = orjson.Fragment(spoken.payload)
    elif spoken.payload:
        members["payloadBase64"] = base64.b64encode(spoken.payload).decode()
    return orjson.dumps(frame)


def _is_json(spoken: Envelope) -> bool:
    if spoken.decoded is not None:
        return True
    try:
        orjson.loads(spoken.payload)
    except orjson.JSONDecodeError:
        return False
    return True


def _decoded(message_type: str, content: Mapping[str, object] | bytes) -> JsonObject | None:
    try:
        members = orjson.loads(content) if isinstance(content, bytes) else content
    except orjson.JSONDecodeError:
        return None
    if not isinstance(members, Mapping):
        return None
    decoded = {name: value for name, value in members.items() if not _is_default(value)}
    if message_type == "Signal":
        decoded |= _signal_data(decoded)
    return decoded


def _is_default(value: object) -> bool:
    """Protobuf's JSON form leaves defaults out; so must we, or one decoder downstream would see two dialects."""
    return value is None or value is False or value in ("", 0, [])


def _signal_data(decoded: JsonObject) -> JsonObject:
    try:
        return {"dataJson": orjson.loads(base64.b64decode(str(decoded["data"]), validate=True))}
    except (KeyError, ValueError):
        return {}


def _ack_members(ack: Ack) -> dict[str, object]:
    error = ack.error and {"code": ack.error.code, "message": ack.error.message}
    return {
        "ok": ack.ok,
        "duplicate": ack.duplicate,
        "messageId": ack.message_id,
        "sessionId": ack.session_id,
        "acceptedAtUnixMs": ack.accepted_at_unix_ms,
        "sessionState": ack.session_state,
        "error": error,
    }
