"""The documents of the HTTP contract that lists, streams and exports share."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

import orjson

from runs.domain.events import SCHEMA_VERSION

# What `event_document` needs of a stored event, by the names of its columns.
EVENT_COLUMNS = (
    *("id", "run_id", "seq", "ts", "created_at", "type", "subject_kind", "subject_id", "source_kind", "source_name"),
    *("raw_type", "raw_seq", "trace_id", "span_id", "parent_span_id", "data"),
)


def iso(moment: datetime) -> str:
    """`2026-01-31T09:30:00.000Z`: UTC, with exactly three decimals."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def event_document(row: Mapping[str, object]) -> dict[str, object]:
    """A stored event as every client sees it; `row` holds EVENT_COLUMNS (of a model instance: `vars(event)`).

    `data` passes as the text it was stored as, so that what is served is that text, byte for byte.
    """
    document: dict[str, object] = {
        "id": row["id"],
        "runId": row["run_id"],
        "seq": row["seq"],
        "ts": iso(cast(datetime, row["ts"])),
        "type": row["type"],
        "schemaVersion": SCHEMA_VERSION,
    }
    if row["subject_kind"] is not None:
        document["subject"] = {"kind": row["subject_kind"], "id": row["subject_id"]}
    document["source"] = _given(
        kind=row["source_kind"], name=row["source_name"], rawType=row["raw_type"], rawSeq=row["raw_seq"]
    )
    if trace := _given(traceId=row["trace_id"], spanId=row["span_id"], parentSpanId=row["parent_span_id"]):
        document["trace"] = trace
    document["data"] = orjson.Fragment(cast(str, row["data"]))
    return document | {
        "subjectKind": row["subject_kind"],
        "subjectId": row["subject_id"],
        "sourceKind": row["source_kind"],
        "sourceName": row["source_name"],
        "rawType": row["raw_type"],
        "traceId": row["trace_id"],
        "spanId": row["span_id"],
        "parentSpanId": row["parent_span_id"],
        "createdAt": iso(cast(datetime, row["created_at"])),
    }


def _given(**members: object) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}
