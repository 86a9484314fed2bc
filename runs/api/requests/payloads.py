"""PayloadEnvelope: the one member that `encoding` selects."""

import base64
import binascii

from runs.api.members import UNBOUNDED, Members
from runs.domain.events import JsonObject
from runs.domain.requests import PayloadEnvelope, ProtoPayload

ENCODINGS = ("json", "text", "base64", "proto")
LONGEST_TYPE_NAME = 500


def read_envelope(members: Members) -> PayloadEnvelope:
    """The envelope in `members`; faults are noted there."""
    envelope = PayloadEnvelope(
        encoding=members.choice("encoding", ENCODINGS),
        media_type=members.optional_text("mediaType"),
        json=members.optional_object("json"),
        text=members.optional_text("text", longest=UNBOUNDED),
        base64=_read_base64(members),
        proto=_read_proto(members),
    )
    if envelope.encoding == "proto" and not members.has("proto"):
        members.fault("proto", "is required with encoding proto")
    members.refuse_others()
    return envelope


def read_payload(members: Members) -> tuple[JsonObject | None, PayloadEnvelope | None]:
    """Members `payload` and `payloadEnvelope`, of which only one may be given."""
    payload = members.optional_object("payload")
    child = members.optional_child("payloadEnvelope")
    envelope = read_envelope(child) if child else None
    if payload is not None and child is not None:
        members.fault("payloadEnvelope", "must not be given together with payload")
    return payload, envelope


def _read_base64(members: Members) -> str | None:
    text = members.optional_text("base64", longest=UNBOUNDED)
    if text is None:
        return None
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        members.fault("base64", "must be base64 text with padding")
    return text


def _read_proto(members: Members) -> ProtoPayload | None:
    child = members.optional_child("proto")
    if child is None:
        return None
    proto = ProtoPayload(
        type_name=child.text("typeName", longest=LONGEST_TYPE_NAME), value=child.optional_object("value") or {}
    )
    if not child.has("value"):
        child.fault("value", "is required")
    child.refuse_others()
    return proto
