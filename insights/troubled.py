"""Open runs that somebody should look at: late, without an owner, not doing what they were told, or silent."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

MOST = 20
# Long enough for a launch, a hand-over between observers, an answer of a runtime: below it nothing is wrong yet.
UNWATCHED_S, UNANSWERED_S, SILENT_S = 15, 30, 300

# Of open runs only (index runs_open); of each the gravest sign.
_TROUBLED = """
SELECT run.id, run.status, run.mode_name, run.created_at, run.last_event_at, sign.why, sign.since
  FROM runs_run AS run
  LEFT JOIN runs_observer AS owner ON owner.id = run.observer_id
 CROSS JOIN LATERAL (
    SELECT rank, why, since FROM (VALUES
        (1, 'past its deadline', CASE WHEN run.suspended_at IS NULL THEN run.hard_deadline END),
        (2, 'no progress in time', CASE WHEN run.suspended_at IS NULL THEN run.progress_deadline END),
        (3, 'not started in time', CASE WHEN run.started_at IS NULL THEN run.admission_deadline END),
        (4, 'its observer was lost', CASE WHEN run.observer_id IS NOT NULL
             THEN coalesce(owner.lost_at, owner.beat_at + make_interval(secs => %(lease)s), run.updated_at) END),
        (5, 'no observer watches it', CASE WHEN run.observer_id IS NULL
             THEN run.updated_at + make_interval(secs => %(unwatched)s) END),
        (6, 'does not do what was wanted', CASE WHEN run.wanted IS NOT NULL AND run.wanted_answer IS NULL
             THEN run.wanted_at + make_interval(secs => %(unanswered)s) END),
        (7, 'silent', CASE WHEN run.status = 'running'
             THEN run.last_event_at + make_interval(secs => %(silent)s) END)
    ) AS signs (rank, why, since) WHERE since < %(now)s ORDER BY rank LIMIT 1) AS sign
 WHERE run.project_id = %(project)s AND run.ending_seq IS NULL AND run.archived_at IS NULL AND run.mode <> 'sandbox'
 ORDER BY sign.rank, sign.since, run.id LIMIT %(most)s
"""


class Troubled(NamedTuple):
    """A run, what is wrong with it, and since when."""

    id: UUID
    status: str
    mode_name: str
    created_at: datetime
    last_event_at: datetime | None
    why: str
    since: datetime


def troubled_runs(project_id: UUID, now: datetime, *, most: int = MOST) -> list[Troubled]:
    """The gravest `most` of them, the longest in trouble first."""
    values: dict[str, UUID | datetime | int] = {
        "project": project_id,
        "now": now,
        "lease": settings.OBSERVER_LEASE_S,
        "unwatched": UNWATCHED_S,
        "unanswered": UNANSWERED_S,
        "silent": SILENT_S,
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TROUBLED, values)
        return [Troubled._make(row) for row in cursor.fetchall()]
