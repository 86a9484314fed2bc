"""A late observation as everybody sees it."""

import base64
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from runs.domain.documents.clock import iso
from runs.domain.events import JsonObject
from runs.domain.redaction import Redactor
from runs.domain.text import clean, storable


class LateRow(NamedTuple):
    """The columns of a late observation that are shown; `body` holds the bytes as received."""

    id: UUID
    run_id: UUID
    received_at: datetime
    reason: str
    kind: str
    source_id: str | None
    body: bytes


def late_document(row: LateRow, redactor: Redactor) -> JsonObject:
    """The late row of the HTTP contract, without secrets."""
    return {
        "id": str(row.id),
        "runId": str(row.run_id),
        "receivedAt": iso(row.received_at),
        "reason": row.reason,
        "kind": row.kind,
        "sourceId": row.source_id,
        "payload": _payload(redactor.redact_bytes(bytes(row.body))),
    }


def _payload(body: bytes) -> JsonObject:
    """JSON and other text as they read, beside the bytes; what is neither as bytes alone (events: payload decoding)."""
    encoded = base64.b64encode(body).decode()
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return {"payloadBase64": encoded} if body else {}
    try:
        value, _ = storable(orjson.loads(text))
        return {"json": value, "encoding": "json"}
    except orjson.JSONDecodeError:
        return {"text": clean(text), "encoding": "text", "payloadBase64": encoded} if text else {}
