"""Reads of who owns a run: what nobody owns is carried out by nobody."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from runs.errors import RunNotFound

_HAS_LIVE_OWNER = """
SELECT EXISTS (
    SELECT 1 FROM runs_run r JOIN runs_observer o ON o.id = r.observer_id
     WHERE r.id = %s AND o.lost_at IS NULL AND o.beat_at > clock_timestamp() - make_interval(secs => %s))
"""


def has_live_owner(run_id: UUID) -> bool:
    """True if an observer that still beats owns the run."""
    with connection.cursor() as cursor:
        cursor.execute(_HAS_LIVE_OWNER, [run_id, settings.OBSERVER_LEASE_S])
        return bool(cursor.fetchone()[0])


_OWNERSHIP = """
SELECT r.lease_epoch, r.recovery_attempts, r.ending_seq IS NOT NULL, o.id, o.host, o.process_id, o.beat_at, o.lost_at,
       o.beat_at > clock_timestamp() - make_interval(secs => %s)
  FROM runs_run r LEFT JOIN runs_observer o ON o.id = r.observer_id
 WHERE r.id = %s AND r.project_id = %s
"""


class Owner(NamedTuple):
    """An observer that owns a run; it beats if its last beat is no older than a lease."""

    id: UUID
    host: str
    process_id: int
    beat_at: datetime
    lost_at: datetime | None
    is_beating: bool


class Ownership(NamedTuple):
    """Who owns a run, under which epoch, and how often it was taken from the dead without getting any further."""

    lease_epoch: int
    recovery_attempts: int
    has_ended: bool
    owner: Owner | None


def ownership_of(project_id: UUID, run_id: UUID) -> Ownership:
    """Who owns the run now. Raises RunNotFound."""
    with connection.cursor() as cursor:
        cursor.execute(_OWNERSHIP, [settings.OBSERVER_LEASE_S, run_id, project_id])
        row = cursor.fetchone()
    if row is None:
        raise RunNotFound
    return Ownership(row[0], row[1], row[2], Owner._make(row[3:]) if row[3] else None)
