"""Reads for lists that follow runs live: the first page, which runs have moved, and how those stand now."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from runs.domain.documents import SummaryRow
from runs.models import Run
from runs.queries.runs import RunFilter, matching_runs

# By the database's clock, and before every transaction of ours that writes now: what any of these commits later was
# made later. The clock is read first, then the transactions. An hour-long one (a migration) must not make every reading
# as long; recordings take far less.
_HORIZON = """
SELECT now.at, greatest(now.at - interval '60 seconds', least(now.at, min(open.xact_start)))
  FROM (SELECT clock_timestamp() AS at) AS now
  LEFT JOIN pg_stat_activity AS open ON open.backend_xid IS NOT NULL AND open.datname = current_database()
 GROUP BY now.at
"""
# Whatever changes what is shown of a run writes an event, or else an audit entry (archived, brought back, deleted).
# Indexes: events_feed and audit_newest. None could hold updated_at: every batch changes it (see Run).
_MOVED = """
SELECT DISTINCT run_id::text FROM runs_event WHERE project_id = ANY(%(projects)s) AND ts >= %(since)s
 UNION
SELECT resource_id FROM runs_auditentry
 WHERE project_id = ANY(%(projects)s) AND created_at >= %(since)s AND resource = 'run' AND resource_id IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Horizon:
    """A moment of the database: nothing that was not visible then will ever be dated before `since`."""

    at: datetime
    since: datetime


def horizon() -> Horizon:
    """The present one. Only a statement that begins after this one sees all that is dated before it."""
    with connection.cursor() as cursor:
        cursor.execute(_HORIZON)
        return Horizon(*cursor.fetchone())


def moved_runs(projects: Sequence[UUID], since: datetime) -> set[UUID]:
    """Which runs of these projects were changed at `since` or later, those that are gone by now among them."""
    with connection.cursor() as cursor:
        cursor.execute(_MOVED, {"projects": list(projects), "since": since})
        return {UUID(run_id) for (run_id,) in cursor.fetchall()}


def summaries_of(run_ids: Iterable[UUID]) -> dict[UUID, SummaryRow]:
    """How these runs stand now, of whatever project; a run that is gone is missing."""
    return {row.id: row for row in map(SummaryRow._make, Run.objects.filter(id__in=run_ids).values_list(*_COLUMNS))}


def newest_summaries(
    project_id: UUID, wanted: RunFilter, *, limit: int, counted: bool = True
) -> tuple[list[SummaryRow], int | None]:
    """The newest `limit` runs that `wanted` matches, newest first, and how many it matches in all; None if not `counted`.

    Counting reads every run that matches: seconds, of a million.
    """
    matching = matching_runs(project_id, wanted)
    rows = [SummaryRow._make(row) for row in matching.order_by("-created_at", "-id").values_list(*_COLUMNS)[:limit]]
    if len(rows) < limit:
        return rows, len(rows)
    return rows, matching.count() if counted else None


_COLUMNS = SummaryRow._fields
