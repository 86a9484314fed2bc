"""Reads of who owns a run: what nobody owns is carried out by nobody."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from runs.errors import RunNotFound
from runs.models.observer import LEASE_PART

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


_SOME_OBSERVER_BEATS = """
SELECT EXISTS (SELECT 1 FROM runs_observer
                WHERE lost_at IS NULL AND beat_at > clock_timestamp() - make_interval(secs => %s))
"""


def some_observer_beats() -> bool:
    """True if there is an observer that could own runs."""
    with connection.cursor() as cursor:
        cursor.execute(_SOME_OBSERVER_BEATS, [settings.OBSERVER_LEASE_S])
        return bool(cursor.fetchone()[0])


# The judgement is that of `Observer.objects.give_up`.
_UNWATCHED = """
SELECT r.id FROM runs_run r LEFT JOIN runs_observer o ON o.id = r.observer_id
 WHERE r.id = ANY(%s) AND r.ending_seq IS NULL
   AND (o.id IS NULL OR o.lost_at IS NOT NULL OR o.beat_at < clock_timestamp() - make_interval(secs => %s))
"""


def unwatched(run_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these runs are open, and have no owner that may still live."""
    with connection.cursor() as cursor:
        cursor.execute(_UNWATCHED, [list(run_ids), settings.OBSERVER_LEASE_S * LEASE_PART])
        return {run_id for (run_id,) in cursor.fetchall()}


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
