"""Due: when there will be something to claim, if nothing else happens until then."""

from datetime import datetime

from django.db import connection

from webhooks.delivery.room import AT_ONCE, FIRST, IN_FLIGHT, LISTENS, OPEN_AT, WAITING, values

# What is being sent is due again when its claim is over: a drain that died leaves it so. An endpoint that is sent as much as
# it may be at once has to wait for the first of these, too.
_NEXT = f"""
WITH RECURSIVE {WAITING}
SELECT min(greatest(least(first.due_at, in_flight.free_at), {OPEN_AT},
                    CASE WHEN in_flight.number >= {AT_ONCE} THEN in_flight.free_at END))
  FROM webhooks_endpoint e
  JOIN waiting w ON w.endpoint_id = e.id
  LEFT JOIN LATERAL {FIRST} ON true
 CROSS JOIN LATERAL {IN_FLIGHT}
 WHERE {LISTENS}
"""  # noqa: S608 - our own pieces


def next_due(now: datetime) -> datetime | None:
    """When the next attempt may be claimed, which may be long past; None: nothing waits for anybody who listens."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, values(now))
        (found,) = cursor.fetchone()
    return found  # type: ignore[no-any-return]
