"""Room: how many attempts an endpoint may be sent at this moment, and from when on it may be sent one, as SQL.

Three limits, the narrowest counts: `concurrency` less what is being sent, the pace of `rate_per_second`, and the breaker,
which lets one attempt through as a probe once its time is over. The pace is a leaky bucket kept in one column: `paced_until`
is when the next attempt would be due if they came one by one. It may lie ahead by a fifth of a second's worth of attempts:
a drain that comes a little late does not lower the rate.
"""

from datetime import datetime
from typing import Any

from django.conf import settings

BURST_S = 0.2

# The endpoints that have something pending, and nothing else: one step along the index delivery_due for each, however much
# waits for any of them.
WAITING = """
waiting (endpoint_id) AS (
    (SELECT endpoint_id FROM webhooks_delivery WHERE status = 'pending' ORDER BY endpoint_id LIMIT 1)
    UNION ALL
    SELECT (SELECT d.endpoint_id FROM webhooks_delivery d
             WHERE d.status = 'pending' AND d.endpoint_id > w.endpoint_id ORDER BY d.endpoint_id LIMIT 1)
      FROM waiting w WHERE w.endpoint_id IS NOT NULL)
"""

# Of an endpoint `e`: how many are being sent, and when the first of them would be free again. Index delivery_in_flight.
IN_FLIGHT = """
(SELECT count(*) AS number, min(locked_until) AS free_at FROM webhooks_delivery
  WHERE endpoint_id = e.id AND locked_until > %(now)s) AS in_flight
"""
# Of an endpoint `e`: what has been waiting longest and is not being sent.
FIRST = """
(SELECT due_at FROM webhooks_delivery
  WHERE endpoint_id = e.id AND status = 'pending' AND (locked_until IS NULL OR locked_until <= %(now)s)
  ORDER BY due_at LIMIT 1) AS first
"""

LISTENS = "e.active AND e.deleted_at IS NULL AND e.paused_at IS NULL"
AT_ONCE = "CASE WHEN e.broken_until IS NULL THEN coalesce(e.concurrency, %(concurrency)s) ELSE 1 END"

_RATE = "greatest(e.rate_per_second, 0.001)"
_BURST = f"greatest(1, {_RATE} * {BURST_S})"
PACED_UNTIL = "greatest(e.paced_until, %(now)s)"  # of NULL and a time the greatest is the time
_BY_PACE = f"floor({_BURST} - extract(epoch FROM {PACED_UNTIL} - %(now)s) * {_RATE} + 1e-6)"
INTERVAL = f"make_interval(secs => 1 / {_RATE})"
# When the pace lets the next one through, and when the breaker does.
OPEN_AT = f"greatest(e.paced_until - make_interval(secs => ({_BURST} - 1) / {_RATE}), e.broken_until)"

ROOM = f"least({AT_ONCE} - in_flight.number, {_BY_PACE})::int"


def values(now: datetime, **more: object) -> dict[str, Any]:
    """What the pieces above refer to."""
    return {"now": now, "concurrency": settings.WEBHOOK_CONCURRENCY, **more}
