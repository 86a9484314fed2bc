"""Reads of the circuit breakers of all processes."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from runs.models import BreakerChange

MOST_CHANGES = 200

# A lost observer has no breaker any more, and a reset is newer than whatever it closes.
_OF_OBSERVERS = """
SELECT DISTINCT ON (c.observer_id) c.state
  FROM runs_breakerchange c JOIN runs_observer o ON o.id = c.observer_id
 WHERE c.kind = %(kind)s AND o.lost_at IS NULL AND o.beat_at > clock_timestamp() - make_interval(secs => %(lease)s)
   AND c.entered_at > coalesce((SELECT max(r.entered_at) FROM runs_breakerchange r
                                 WHERE r.kind = %(kind)s AND r.is_reset), '-infinity')
 ORDER BY c.observer_id, c.id DESC
"""


def observers_breaker_states(kind: str) -> list[str]:
    """The state of the breaker of each living observer that has said one since the latest reset."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_OBSERVERS, {"kind": kind, "lease": settings.OBSERVER_LEASE_S})
        return [state for (state,) in cursor.fetchall()]


def breaker_history(kind: str, since: datetime | timedelta) -> list[BreakerChange]:
    """The latest changes of the breakers of `kind` since a time, or within one, oldest first."""
    after = Now() - since if isinstance(since, timedelta) else since
    changes = BreakerChange.objects.filter(kind=kind, entered_at__gte=after)
    return list(reversed(changes.order_by("-entered_at", "-id")[:MOST_CHANGES]))
