"""Reads of who owns a run: what nobody owns is carried out by nobody."""

from uuid import UUID

from django.conf import settings
from django.db import connection

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
