"""A late observation as everybody sees it: kept apart from the log, and shown without secrets."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from runs.domain.documents.clock import iso
from runs.domain.events import JsonObject
from runs.domain.normaliser.payloads import shown_bytes
from runs.domain.redaction import Redactor
from runs.domain.text import clean


class LateRow(NamedTuple):
    """The columns of a late observation that are shown; `body` are the bytes as received."""

    id: UUID
    run_id: UUID
    received_at: datetime
    reason: str
    kind: str
    source_id: str | None
    body: bytes


def late_document(row: LateRow, redactor: Redactor) -> JsonObject:
    """The late observation of the HTTP contract. `payload` is what was received, shown as a payload of unknown type is.

    `{json, encoding}`, `{text, encoding, payloadBase64}`, `{payloadBase64}` or `{}`; secrets are masked in every form.
    """
    source_id = row.source_id
    return {
        "id": str(row.id),
        "runId": str(row.run_id),
        "receivedAt": iso(row.received_at),
        "reason": row.reason,
        "kind": row.kind,
        "sourceId": None if source_id is None else redactor.redact_text(clean(source_id)),
        "payload": shown_bytes(bytes(row.body), redactor),
    }
