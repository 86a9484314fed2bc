"""What was told becomes rows: one delivery for each endpoint and each name under which it hears an event."""

from collections.abc import Sequence
from itertools import count
from uuid import UUID

from django.conf import settings
from django.db import connection

from runs.models.identity import uuid7
from webhooks.fanout.listeners import HeardRun, Listener
from webhooks.fanout.run_log import Told
from webhooks.payloads import body_of

# Each body travels once, however many hear it. What is there already stays as it is: a fan-out may be done again.
_INSERT = """
INSERT INTO webhooks_delivery
       (id, project_id, endpoint_id, event_type, event_id, run_id, seq, body, next_attempt_at, due_at, created_at)
SELECT wanted.id, %s, wanted.endpoint_id, told.name, told.event_id, %s, told.seq, told.body, at.due, at.due, at.now
  FROM unnest(%s::uuid[], %s::uuid[], %s::int[]) AS wanted (id, endpoint_id, number)
  JOIN unnest(%s::int[], %s::text[], %s::uuid[], %s::bigint[], %s::bytea[])
       AS told (number, name, event_id, seq, body) USING (number)
 CROSS JOIN (SELECT now, now + %s * interval '1 second' AS due FROM clock_timestamp() AS now) AS at
 ORDER BY told.seq, wanted.id
    ON CONFLICT (endpoint_id, event_id, event_type) DO NOTHING
"""


def store_deliveries(run: HeardRun, listeners: Sequence[Listener], page: Sequence[Told]) -> None:
    """Every listener has its delivery of each event of the page that it wants; the first attempt is due by the schedule."""
    wanted: list[tuple[UUID, UUID, int]] = []
    told: list[tuple[int, str, UUID, int, bytes]] = []
    numbers = count()
    for fact, names in page:
        for name in names:
            if hearing := [one.id for one in listeners if one.wants(name)]:
                number = next(numbers)
                told.append((number, name, fact.event_id, fact.seq, body_of(name, fact)))
                wanted += [(uuid7(), endpoint_id, number) for endpoint_id in hearing]
    if told:
        delay_s = settings.WEBHOOK_RETRY_SCHEDULE[0]
        columns = [list(column) for rows in (wanted, told) for column in zip(*rows, strict=True)]
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, [run.project_id, run.id, *columns, delay_s])
