"""Health: how it goes with an endpoint, and its breaker: whoever fails again and again is left alone for a minute."""

from datetime import datetime, timedelta

from django.db import connection

from webhooks.models import Endpoint
from webhooks.result import Result

COLUMNS = ("last_success_at", "last_failure_at", "failing_since", "failures", "broken_until")

WINDOW = timedelta(minutes=5)
NEWEST = 100  # of the window: what a busy endpoint did minutes ago says little, and would be much to count
FEWEST = 10
FAILING = 0.7
OPEN_FOR = timedelta(seconds=60)

_NEWEST = """
SELECT count(*), count(*) FILTER (WHERE NOT is_success) FROM (
    SELECT is_success FROM webhooks_attempt WHERE endpoint_id = %s AND started_at > %s
     ORDER BY started_at DESC LIMIT %s) AS newest
"""


def note(endpoint: Endpoint, result: Result, now: datetime) -> None:
    """The columns of `endpoint` count the attempt, whose row is there; nothing is stored yet.

    One success closes the breaker. A failure opens it where it is one of many, or was the probe.
    """
    if result.is_success:
        endpoint.last_success_at = now
        endpoint.failing_since = endpoint.broken_until = None
        endpoint.failures = 0
        return
    endpoint.last_failure_at = now
    endpoint.failing_since = endpoint.failing_since or now
    endpoint.failures += 1
    was_probe = endpoint.broken_until is not None and endpoint.broken_until <= now
    if was_probe or (endpoint.broken_until is None and _fails_mostly(endpoint, now)):
        endpoint.broken_until = now + OPEN_FOR


def _fails_mostly(endpoint: Endpoint, now: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [endpoint.id, now - WINDOW, NEWEST])
        tries, failures = cursor.fetchone()
    return bool(tries >= FEWEST and failures >= FAILING * tries)
