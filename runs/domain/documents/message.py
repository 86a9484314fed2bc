"""An outbound message as everybody sees it."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from runs.domain.documents.clock import iso, iso_or_none
from runs.domain.events import JsonObject


class MessageRow(NamedTuple):
    """The columns of an outbound message that are shown; `payload_descriptor` and `ack` are JSON text."""

    id: UUID
    run_id: UUID
    message_id: UUID
    message_type: str
    category: str
    sender: str
    recipients: list[str]
    status: str
    payload_descriptor: str
    ack: str | None
    error_message: str | None
    reply_timeout_ms: int | None
    reply_deadline_at: datetime | None
    reply_status: str | None
    reply_message_id: str | None
    created_at: datetime
    sent_at: datetime | None
    accepted_at: datetime | None
    updated_at: datetime
    session_id: str | None


def message_document(row: MessageRow) -> JsonObject:
    """The message row of the HTTP contract. Write it with orjson: stored JSON texts are passed through."""
    return {
        "id": str(row.id),
        "runId": str(row.run_id),
        "runtimeSessionId": row.session_id,
        "messageId": str(row.message_id),
        "messageType": row.message_type,
        "category": row.category,
        "sender": row.sender,
        "recipients": row.recipients,
        "status": row.status,
        "payloadDescriptor": orjson.Fragment(row.payload_descriptor),
        "ack": None if row.ack is None else orjson.Fragment(row.ack),
        "errorMessage": row.error_message,
        "replyTimeoutMs": row.reply_timeout_ms,
        "replyDeadlineAt": iso_or_none(row.reply_deadline_at),
        "replyStatus": row.reply_status,
        "replyMessageId": row.reply_message_id,
        "createdAt": iso(row.created_at),
        "sentAt": iso_or_none(row.sent_at),
        "acceptedAt": iso_or_none(row.accepted_at),
        "updatedAt": iso(row.updated_at),
    }
