"""An event as everybody sees it: list, SSE, WebSocket, replay, export and webhooks."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from runs.domain.documents.clock import iso
from runs.domain.events import SCHEMA_VERSION, JsonObject


class EventRow(NamedTuple):
    """The columns of an event that are shown; `data` is its JSON text."""

    id: UUID
    run_id: UUID
    seq: int
    ts: datetime
    type: str
    subject_kind: str | None
    subject_id: str | None
    source_kind: str
    source_name: str
    raw_type: str | None
    raw_seq: int | None
    trace_id: str | None
    span_id: str | None
    parent_span_id: str | None
    created_at: datetime
    data: str


EVENT_COLUMNS = EventRow._fields


def event_document(row: EventRow) -> JsonObject:
    """The event object of the HTTP contract. Write it with orjson: `data` is passed through as it is stored."""
    document: JsonObject = {
        "id": str(row.id),
        "runId": str(row.run_id),
        "seq": row.seq,
        "ts": iso(row.ts),
        "type": row.type,
        "schemaVersion": SCHEMA_VERSION,
    }
    if row.subject_kind is not None:
        document["subject"] = {"kind": row.subject_kind, "id": row.subject_id}
    document["source"] = _source(row)
    if trace := _trace(row):
        document["trace"] = trace
    document["data"] = orjson.Fragment(row.data)
    document["subjectKind"] = row.subject_kind
    document["subjectId"] = row.subject_id
    document["sourceKind"] = row.source_kind
    document["sourceName"] = row.source_name
    document["rawType"] = row.raw_type
    document["traceId"] = row.trace_id
    document["spanId"] = row.span_id
    document["parentSpanId"] = row.parent_span_id
    document["createdAt"] = iso(row.created_at)
    return document


def _source(row: EventRow) -> JsonObject:
    source: JsonObject = {"kind": row.source_kind, "name": row.source_name}
    if row.raw_type is not None:
        source["rawType"] = row.raw_type
    if row.raw_seq is not None:
        source["rawSeq"] = row.raw_seq
    return source


def _trace(row: EventRow) -> JsonObject:
    trace = {"traceId": row.trace_id, "spanId": row.span_id, "parentSpanId": row.parent_span_id}
    return {name: value for name, value in trace.items() if value is not None}
