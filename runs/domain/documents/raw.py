"""A raw observation as everybody sees it: the bytes as they were received, without secrets."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from runs.domain.documents.clock import iso
from runs.domain.events import JsonObject
from runs.domain.normaliser.payloads import shown_base64
from runs.domain.redaction import Redactor


class RawRow(NamedTuple):
    """The columns of a raw observation that are shown; `body` are the bytes as received."""

    id: UUID
    run_id: UUID
    seq: int
    kind: str
    body: bytes
    created_at: datetime


def raw_document(row: RawRow, redactor: Redactor, *, source_name: str, trace_id: str | None) -> JsonObject:
    """The raw observation of the HTTP contract. `payload` are the bytes, once, in base64; secrets in them are masked."""
    received = iso(row.created_at)
    return {
        "id": str(row.id),
        "runId": str(row.run_id),
        "seq": row.seq,
        "ts": received,
        "kind": row.kind,
        "sourceName": source_name,
        "payload": shown_base64(bytes(row.body), redactor),
        "traceId": trace_id,
        "spanId": None,
        "createdAt": received,
    }
