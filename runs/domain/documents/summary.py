"""A run as lists that follow it live show it: short, without anything that is read for one run alone."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from runs.domain.documents.clock import iso, iso_or_none
from runs.domain.endings import known_code
from runs.domain.events import JsonObject


class SummaryRow(NamedTuple):
    """The columns of a run that its summary shows, and the project it belongs to, which is not shown."""

    id: UUID
    project_id: UUID
    status: str
    mode: str
    mode_name: str
    runtime_kind: str
    session_id: str | None
    source_kind: str | None
    source_ref: str | None
    tags: list[str]
    last_seq: int
    error_code: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    archived_at: datetime | None
    updated_at: datetime


def summary_document(row: SummaryRow) -> JsonObject:
    """The RunSummary of the HTTP contract."""
    return {
        "id": str(row.id),
        "status": row.status,
        "mode": row.mode,
        "modeName": row.mode_name,
        "runtimeKind": row.runtime_kind,
        "runtimeSessionId": row.session_id,
        "sourceKind": row.source_kind,
        "sourceRef": row.source_ref,
        "tags": row.tags,
        "lastEventSeq": row.last_seq,
        "errorCode": None if row.error_code is None else known_code(row.error_code),
        "createdAt": iso(row.created_at),
        "startedAt": iso_or_none(row.started_at),
        "endedAt": iso_or_none(row.ended_at),
        "archivedAt": iso_or_none(row.archived_at),
        "updatedAt": iso(row.updated_at),
    }
