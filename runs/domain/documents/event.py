"""An event as everybody sees it: list, SSE, WebSocket, replay, export and webhooks."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from runs.domain.documents.clock import iso, iso_in_sql
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


class EventText(NamedTuple):
    """The same columns with ids and times as they are shown: where very many are read, the database writes them faster."""

    id: str
    run_id: str
    seq: int
    ts: str
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
    created_at: str
    data: str


def event_columns_as_shown(table: str) -> tuple[str, ...]:
    """SQL of each column of an EventText, out of `table`."""
    shown = {name: f"{table}.{name}::text" for name in ("id", "run_id")}
    shown |= {name: iso_in_sql(f"{table}.{name}") for name in ("ts", "created_at")}
    return tuple(shown.get(name, f"{table}.{name}") for name in EVENT_COLUMNS)


def event_document(row: EventRow | EventText) -> JsonObject:
    """The event object of the HTTP contract. Write it with orjson: `data` is passed through as it is stored."""
    document: JsonObject = {
        "id": str(row.id),
        "runId": str(row.run_id),
        "seq": row.seq,
        "ts": _shown(row.ts),
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
    document["createdAt"] = _shown(row.created_at)
    return document


def _shown(moment: datetime | str) -> str:
    return moment if isinstance(moment, str) else iso(moment)


def _source(row: EventRow | EventText) -> JsonObject:
    source: JsonObject = {"kind": row.source_kind, "name": row.source_name}
    if row.raw_type is not None:
        source["rawType"] = row.raw_type
    if row.raw_seq is not None:
        source["rawSeq"] = row.raw_seq
    return source


def _trace(row: EventRow | EventText) -> JsonObject:
    if row.trace_id is None and row.span_id is None and row.parent_span_id is None:
        return {}
    trace = {"traceId": row.trace_id, "spanId": row.span_id, "parentSpanId": row.parent_span_id}
    return {name: value for name, value in trace.items() if value is not None}
