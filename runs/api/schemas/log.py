"""What is logged, said and kept of a run: events, messages, late observations, artifacts, audit entries."""

from runs.api.requests.artifact import KINDS
from runs.api.schemas.shapes import (
    BOOLEAN,
    COUNT,
    FREE,
    MOMENT,
    SEQ,
    TEXT,
    TEXTS,
    UUID,
    Schema,
    either,
    fixed,
    listed,
    nullable,
    ref,
    shape,
    word,
)
from runs.domain.events import SCHEMA_VERSION, EventType

_MAYBE = nullable(TEXT)
_ACK_ERROR = shape({"code": TEXT, "message": TEXT}, sessionId=TEXT, messageId=TEXT, detailsBase64=TEXT)

SCHEMAS: dict[str, Schema] = {
    "EventType": {**word(EventType), "description": "The catalogue is docs/events.md; readers ignore what is new."},
    "Event": shape(
        {
            "id": UUID,
            "runId": UUID,
            "seq": SEQ,
            "ts": MOMENT,
            "type": ref("EventType"),
            "schemaVersion": fixed(SCHEMA_VERSION),
            "source": shape({"kind": word(("runtime", "control-plane")), "name": TEXT}, rawType=TEXT, rawSeq=SEQ),
            "data": FREE,
            "subjectKind": _MAYBE,
            "subjectId": _MAYBE,
            "sourceKind": TEXT,
            "sourceName": TEXT,
            "rawType": _MAYBE,
            "traceId": _MAYBE,
            "spanId": _MAYBE,
            "parentSpanId": _MAYBE,
            "createdAt": MOMENT,
        },
        subject=shape({"kind": TEXT, "id": _MAYBE}),
        trace=shape({}, traceId=TEXT, spanId=TEXT, parentSpanId=TEXT),
    ),
    "EventPage": shape({"data": listed(ref("Event")), "total": COUNT, "limit": SEQ}, nextCursor=SEQ),
    "FeedPage": shape(
        {"data": listed(ref("Event")), "total": COUNT, "limit": SEQ},
        totalCapped=BOOLEAN,
        nextCursor=either(SEQ, TEXT),
    ),
    "Ack": shape(
        {
            "ok": BOOLEAN,
            "duplicate": BOOLEAN,
            "messageId": TEXT,
            "sessionId": TEXT,
            "acceptedAtUnixMs": COUNT,
            "sessionState": TEXT,
        },
        error=_ACK_ERROR,
    ),
    "Accepted": shape({"messageId": UUID, "status": fixed("accepted"), "ack": ref("Ack")}, replyDeadlineAt=MOMENT),
    "Acknowledged": shape({"messageId": UUID, "ack": ref("Ack")}),
    "Message": shape(
        {
            "id": UUID,
            "runId": UUID,
            "runtimeSessionId": _MAYBE,
            "messageId": UUID,
            "messageType": TEXT,
            "category": word(("kickoff", "signal", "context_update", "message")),
            "sender": TEXT,
            "recipients": TEXTS,
            "status": word(("queued", "sent", "accepted", "rejected", "failed")),
            "payloadDescriptor": FREE,
            "ack": nullable(ref("Ack")),
            "errorMessage": _MAYBE,
            "replyTimeoutMs": nullable(COUNT),
            "replyDeadlineAt": nullable(MOMENT),
            "replyStatus": nullable(word(("pending", "answered", "unanswered"))),
            "replyMessageId": _MAYBE,
            "createdAt": MOMENT,
            "sentAt": nullable(MOMENT),
            "acceptedAt": nullable(MOMENT),
            "updatedAt": MOMENT,
        }
    ),
    "LateObservation": shape(
        {
            "id": UUID,
            "runId": UUID,
            "receivedAt": MOMENT,
            "reason": word(("after_ending", "conflict")),
            "kind": TEXT,
            "sourceId": _MAYBE,
            "payload": FREE,
        }
    ),
    "RawObservation": shape(
        {
            "id": UUID,
            "runId": UUID,
            "seq": SEQ,
            "ts": MOMENT,
            "kind": TEXT,
            "sourceName": TEXT,
            "payload": {"type": "string", "contentEncoding": "base64"},
            "traceId": _MAYBE,
            "spanId": _MAYBE,
            "createdAt": MOMENT,
        }
    ),
    "Artifact": shape(
        {"id": UUID, "runId": UUID, "kind": word(KINDS), "label": TEXT, "createdAt": MOMENT},
        uri=TEXT,
        inline=FREE,
    ),
    "AuditEntry": shape(
        {
            "id": UUID,
            "actor": TEXT,
            "actorType": word(("api_key", "user", "system")),
            "action": TEXT,
            "resource": TEXT,
            "resourceId": _MAYBE,
            "details": FREE,
            "requestId": _MAYBE,
            "createdAt": MOMENT,
        }
    ),
}
