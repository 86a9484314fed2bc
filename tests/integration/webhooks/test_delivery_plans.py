"""W07: what a drain asks costs the same however much has been delivered and however much waits for one dead endpoint."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.deliveries import NOON, flood, listening, numbers, seconds, waiting
from webhooks.delivery import claim, health, next_due

pytestmark = pytest.mark.django_db

WAITING_FOR_THE_DEAD = 10_000
OTHERS = 100
# Every endpoint is looked at a few times, and no more rows of its own than it may be sent.
MOST_ROWS = 1_500

_HISTORY = """
INSERT INTO webhooks_delivery
    (id, project_id, endpoint_id, event_type, event_id, body, status, created_at, delivered_at)
SELECT gen_random_uuid(), project_id, endpoint_id, event_type, gen_random_uuid(), body, 'delivered',
       now() - n * interval '1 minute', now() - n * interval '1 minute'
  FROM webhooks_delivery, generate_series(1, 300) AS n WHERE endpoint_id <> %s
"""
_ATTEMPTS = """
INSERT INTO webhooks_attempt
    (id, delivery_id, endpoint_id, number, started_at, duration_ms, is_success, response_headers, created_at)
SELECT gen_random_uuid(), id, endpoint_id, 1, delivered_at, 5, true, '{}', now()
  FROM webhooks_delivery WHERE status = 'delivered'
"""
_SCANS = re.compile(
    r"(?:Scan (?:using (?P<index>\w+) )?on (?P<table>\w+)).*?\(actual rows=(?P<rows>[\d.]+) loops=(?P<loops>\d+)\)"
)
_REMOVED = re.compile(r"Rows Removed by Filter: (\d+)")


class Plan(NamedTuple):
    """How a statement was carried out."""

    text: str

    @property
    def indexes(self) -> set[str]:
        return {found["index"] for found in _SCANS.finditer(self.text) if found["table"] in TABLES}

    @property
    def rows(self) -> float:
        """Of our tables, those that were thrown away included."""
        found = [one for one in _SCANS.finditer(self.text) if one["table"] in TABLES]
        removed = sum(int(number) for number in _REMOVED.findall(self.text))
        return sum(float(one["rows"]) * int(one["loops"]) for one in found) + removed


TABLES = ("webhooks_delivery", "webhooks_attempt")


def plans_of(act: Callable[[], object]) -> list[Plan]:
    """How the database carries out the statements of `act` when they are issued once more."""
    with CaptureQueriesContext(connection) as captured:
        act()
    plans = []
    for statement in (query["sql"] for query in captured.captured_queries):
        if any(table in statement for table in TABLES) and statement.lstrip().startswith(("WITH", "SELECT")):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {statement.replace('%', '%%')}")
                plans.append(Plan("\n".join(line for (line,) in cursor.fetchall())))
    assert plans
    return plans


def test_w07_ten_thousand_that_wait_for_a_dead_endpoint_cost_the_others_nothing() -> None:
    dead = listening(concurrency=4, rate_per_second=10)
    flood(dead, WAITING_FOR_THE_DEAD)
    others = [listening() for _ in range(OTHERS)]
    for endpoint in others:
        waiting(endpoint, 3)
    with connection.cursor() as cursor:
        cursor.execute(_HISTORY, [dead.id])
        cursor.execute(_ATTEMPTS)
        cursor.execute("ANALYZE webhooks_delivery; ANALYZE webhooks_endpoint; ANALYZE webhooks_attempt")
        cursor.execute("SELECT count(*) FROM webhooks_delivery")
        assert cursor.fetchone() == (OTHERS * 3 * 301 + WAITING_FOR_THE_DEAD,)

    claims, dues = plans_of(lambda: claim(NOON)), plans_of(lambda: next_due(NOON))
    (breaker,) = plans_of(lambda: health._fails_mostly(others[0], datetime.now(tz=NOON.tzinfo)))
    for plan in (*claims, *dues):
        assert plan.indexes <= {"delivery_due", "delivery_in_flight", "webhooks_delivery_pkey"}, plan.text
        assert {"delivery_due", "delivery_in_flight"} <= plan.indexes, plan.text
        assert plan.rows < MOST_ROWS, plan.text
    assert "attempt_newest" in breaker.text, breaker.text
    assert breaker.rows <= health.NEWEST


def test_w07_a_dead_endpoint_with_ten_thousand_waiting_leaves_the_first_claim_to_the_others() -> None:
    dead, healthy = listening(concurrency=4, rate_per_second=10), listening()
    flood(dead, WAITING_FOR_THE_DEAD)
    waiting(healthy, 40)
    parcels = claim(NOON)
    assert len(numbers(parcels, healthy)) == 40
    # It should be its share, however long it has been waiting: of a burst, and never more than it may be sent at once.
    assert numbers(parcels, dead) == [0, 1]
    assert len(claim(NOON + seconds(10))) == 2
    assert claim(NOON + seconds(20)) == []
