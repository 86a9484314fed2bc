"""A run as everybody sees it."""

from typing import NamedTuple

import orjson

from runs.domain.documents.clock import iso_in_sql
from runs.domain.endings import known_code
from runs.domain.events import JsonObject


class RunRow(NamedTuple):
    """The columns of a run that are shown, id and times as texts; `ending` and the last two are JSON."""

    id: str
    status: str
    mode: str
    mode_name: str
    runtime_kind: str
    runtime_version: str | None
    session_id: str | None
    session_opener: str
    trace_id: str | None
    idempotency_key: str | None
    last_seq: int
    source_kind: str | None
    source_ref: str | None
    tags: list[str]
    error_code: str | None
    error_message: str | None
    ending: str | None
    cleanup_status: str | None
    created_at: str
    started_at: str | None
    ended_at: str | None
    archived_at: str | None
    updated_at: str
    metadata_text: str
    cleanup_errors_text: str


_AS_SHOWN = {"id": "id::text", "metadata_text": "metadata::text", "cleanup_errors_text": "cleanup_errors::text"} | {
    name: iso_in_sql(name) for name in ("created_at", "started_at", "ended_at", "archived_at", "updated_at")
}
RUN_COLUMNS = tuple(_AS_SHOWN.get(field, field) for field in RunRow._fields)


def run_document(row: RunRow) -> JsonObject:
    """The RunRow of the HTTP contract. Write it with orjson: stored JSON texts are passed through."""
    document: JsonObject = {
        "id": row.id,
        "status": row.status,
        "mode": row.mode,
        "modeName": row.mode_name,
        "runtimeKind": row.runtime_kind,
        "runtimeVersion": row.runtime_version,
        "runtimeSessionId": row.session_id,
        "sessionOpener": row.session_opener,
        "traceId": row.trace_id,
        "idempotencyKey": row.idempotency_key,
        "lastEventSeq": row.last_seq,
        "sourceKind": row.source_kind,
        "sourceRef": row.source_ref,
        "tags": row.tags,
        "metadata": orjson.Fragment(row.metadata_text),
        "errorCode": None if row.error_code is None else known_code(row.error_code),
        "errorMessage": row.error_message,
        "ending": None if row.ending is None else _certificate(row.ending),
        "createdAt": row.created_at,
        "startedAt": row.started_at,
        "endedAt": row.ended_at,
        "archivedAt": row.archived_at,
        "updatedAt": row.updated_at,
    }
    if row.cleanup_status is not None:
        document["cleanup"] = {"status": row.cleanup_status, "errors": orjson.Fragment(row.cleanup_errors_text)}
    return document


def _certificate(stored: str) -> orjson.Fragment | JsonObject:
    """The certificate, byte for byte, unless its code is none of the closed list."""
    certificate = orjson.loads(stored)
    code = known_code(certificate.get("code"))
    return orjson.Fragment(stored) if code == certificate.get("code") else {**certificate, "code": code}
