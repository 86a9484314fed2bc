"""What we send into a session, as events speak of it."""

import msgspec
import orjson

from runs.domain.events import JsonObject
from runs.domain.redaction import Redactor
from runs.domain.text import clean, storable

PREVIEW_LIMIT = 256
"""Characters of a payload that its descriptor shows."""

QUEUED = "queued"
SENT = "sent"
ACCEPTED = "accepted"
REJECTED = "rejected"
FAILED = "failed"

FINAL_STATUSES = frozenset({ACCEPTED, REJECTED, FAILED})

KICKOFF = "kickoff"
SIGNAL = "signal"
CONTEXT_UPDATE = "context_update"
MESSAGE = "message"

# Error codes of failed messages that are ours; any other is a code of the error list, or the runtime's own word.
OUTCOME_UNKNOWN = "outcome_unknown"  # it may have arrived, and must not be sent again
NO_OWNER = "no_owner"  # no observer took it
RUN_ENDED = "run_ended"  # still queued or sent at the ending


class OutboundFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One stored outbound message, as far as its events need it. `reply_deadline_at` is ISO-8601 UTC or None."""

    message_id: str
    session_id: str
    sender: str
    to: tuple[str, ...]
    message_type: str
    category: str  # kickoff | signal | context_update | message
    status: str
    payload_descriptor: JsonObject
    kind: str | None = None  # of a kickoff message
    reply_deadline_at: str | None = None

    @property
    def subject_kind(self) -> str:
        """The subject kind of this message's events; the subject id is the message id."""
        return "signal" if self.category == "signal" else "message"

    @property
    def settled(self) -> bool:
        """True once the fate is final: no further event may speak of it."""
        return self.status in FINAL_STATUSES


def outbound_data(facts: OutboundFacts, *, status: str, previous: str | None) -> JsonObject:
    """The data every event of an outbound message carries; callers add `ack`, `error`, `errorCode`, `reasons`."""
    data: JsonObject = {
        "messageId": facts.message_id,
        "sessionId": facts.session_id,
        "sender": facts.sender,
        "to": list(facts.to),
        "messageType": facts.message_type,
        "category": facts.category,
        "status": status,
        "previousStatus": previous,
        "payloadDescriptor": facts.payload_descriptor,
    }
    if facts.kind:
        data["kind"] = facts.kind
    if facts.reply_deadline_at:
        data["replyDeadlineAt"] = facts.reply_deadline_at
    return data


def outbound_facts(data: JsonObject) -> OutboundFacts | None:
    """The facts that `data` of an outbound event was built from, or None where it is no such data."""
    try:
        return msgspec.convert(data, _OutboundData).facts()
    except msgspec.ValidationError:
        return None


def payload_descriptor(
    payload: bytes,
    *,
    redactor: Redactor,
    decoded: JsonObject | None = None,
    type_name: str | None = None,
    media_type: str | None = None,
) -> JsonObject:
    """What may be shown of a payload: `{encoding, mediaType?, typeName?, sizeBytes, preview?}`, the preview redacted.

    `encoding` is `proto` (a known type, `decoded` given), `json`, `text` or `base64`.
    """
    encoding, preview = _described(payload, decoded, redactor)
    descriptor: JsonObject = {"encoding": encoding, "sizeBytes": len(payload)}
    if media_type:
        descriptor["mediaType"] = media_type
    if type_name:
        descriptor["typeName"] = type_name
    if preview:
        descriptor["preview"] = preview[:PREVIEW_LIMIT]
    return descriptor


def _described(payload: bytes, decoded: JsonObject | None, redactor: Redactor) -> tuple[str, str]:
    if decoded is not None:
        return "proto", _json_preview(decoded, redactor)
    try:
        return "json", _json_preview(orjson.loads(payload), redactor)
    except orjson.JSONDecodeError:
        pass
    try:
        return "text", redactor.redact_text(clean(payload.decode()))
    except UnicodeDecodeError:
        return "base64", ""


def _json_preview(value: object, redactor: Redactor) -> str:
    kept, encoded = storable(value)
    masked, paths = redactor.scrub(kept, encoded)
    return (orjson.dumps(masked) if paths else encoded).decode()


class _OutboundData(msgspec.Struct, rename="camel"):
    message_id: str
    session_id: str
    sender: str
    to: tuple[str, ...]
    message_type: str
    category: str
    status: str
    payload_descriptor: JsonObject
    kind: str | None = None
    reply_deadline_at: str | None = None

    def facts(self) -> OutboundFacts:
        return OutboundFacts(**msgspec.structs.asdict(self))
