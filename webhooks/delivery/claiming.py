"""Claiming: what is due becomes this drain's to send, for a while, fairly over all endpoints and within their limits."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.db.models import F, Q

from runs.crashpoint import committing
from runs.keyring import SecretUnreadable
from webhooks.delivery.lock import lock_time
from webhooks.delivery.recording import record
from webhooks.delivery.room import (
    FIRST,
    IN_FLIGHT,
    INTERVAL,
    LISTENS,
    PACED_UNTIL,
    ROOM,
    WAITING,
    values,
)
from webhooks.models import EndpointSecret
from webhooks.parcel import Parcel
from webhooks.result import Result
from webhooks.sealing import unseal

log = logging.getLogger("signalbox.webhooks")

AT_MOST = 50

# Lock first, read second (docs/decisions/0006): two drains that claim of one endpoint would each count without the other's.
# Whoever has an endpoint locked is claiming of it, recording or changing it; this claim does without and does not wait.
# Whoever was sent something longest ago comes first: where more endpoints have much waiting than a claim takes, they would
# otherwise be the longest due again and again, and one with a new event would wait until all of them have nothing left.
_LOCK = f"""
WITH RECURSIVE {WAITING}
SELECT e.id FROM webhooks_endpoint e
  JOIN waiting w ON w.endpoint_id = e.id
 CROSS JOIN LATERAL {FIRST}
 CROSS JOIN LATERAL {IN_FLIGHT}
 WHERE {LISTENS} AND first.due_at <= %(now)s AND (e.broken_until IS NULL OR e.broken_until <= %(now)s) AND {ROOM} >= 1
   AND (in_flight.number = 0 OR NOT %(is_scarce)s)
 ORDER BY e.paced_until NULLS FIRST, first.due_at LIMIT %(limit)s FOR NO KEY UPDATE OF e SKIP LOCKED
"""  # noqa: S608 - our own pieces

# The first due of every endpoint come before the second of any: who has much waiting gets no more than who has little.
_CLAIM = f"""
WITH room AS MATERIALIZED (
    SELECT e.id, {ROOM} AS number FROM webhooks_endpoint e CROSS JOIN LATERAL {IN_FLIGHT} WHERE e.id = ANY(%(endpoints)s)),
due AS MATERIALIZED (
    SELECT room.id AS endpoint_id, d.id, d.due_at FROM room CROSS JOIN LATERAL (
        SELECT id, due_at FROM webhooks_delivery
         WHERE endpoint_id = room.id AND status = 'pending' AND due_at <= %(now)s
           AND (locked_until IS NULL OR locked_until <= %(now)s)
         ORDER BY due_at LIMIT greatest(least(room.number, %(each)s), 0) FOR UPDATE SKIP LOCKED) AS d),
ranked AS (
    SELECT id, due_at, row_number() OVER (PARTITION BY endpoint_id ORDER BY due_at, id) AS rank FROM due),
taken AS (
    SELECT id, rank, due_at FROM ranked ORDER BY rank, due_at LIMIT %(limit)s),
claimed AS (
    UPDATE webhooks_delivery d SET locked_until = %(until)s, claim_epoch = d.claim_epoch + 1
      FROM taken WHERE d.id = taken.id
    RETURNING d.id, d.endpoint_id, d.claim_epoch, d.attempts, coalesce(d.resend_at <= %(now)s, false) AS is_manual,
              d.event_type, d.body, taken.rank, taken.due_at),
paced AS (
    UPDATE webhooks_endpoint e SET paced_until = {PACED_UNTIL} + taken.number * {INTERVAL}
      FROM (SELECT endpoint_id, count(*) AS number FROM claimed GROUP BY endpoint_id) AS taken
     WHERE e.id = taken.endpoint_id)
SELECT c.id, c.endpoint_id, c.claim_epoch, c.attempts, c.is_manual, c.event_type, c.body, e.url, e.headers_sealed
  FROM claimed c JOIN webhooks_endpoint e ON e.id = c.endpoint_id ORDER BY c.rank, c.due_at
"""  # noqa: S608 - our own pieces

Row = tuple[UUID, UUID, int, int, bool, str, bytes, str, str]
Sealed = dict[UUID, list[str]]


def claim(now: datetime, *, limit: int = AT_MOST, is_scarce: bool = False) -> list[Parcel]:
    """Up to `limit` deliveries that are due are this caller's to send, and that is committed.

    Where room `is_scarce`, one at most of each endpoint, and none of those that are being sent something already: a few that
    take their time must not have all of it.

    What cannot be sent because a secret of ours cannot be read has failed, and is planned again.
    """
    with transaction.atomic():
        endpoints = _rows(_LOCK, values(now, limit=limit, is_scarce=is_scarce))
        if not endpoints:
            return []
        ours, each = [one for (one,) in endpoints], 1 if is_scarce else limit
        wanted = values(now, limit=limit, each=each, endpoints=ours, until=now + lock_time())
        claimed: list[Row] = _rows(_CLAIM, wanted)
        sealed = _living_secrets({row[1] for row in claimed}, now)
        if claimed:
            committing("webhooks.claim")
    parcels = []
    for row in claimed:
        try:
            parcels.append(_parcel(row, *_opened(row, sealed[row[1]])))
        except SecretUnreadable as unreadable:
            _fail(_parcel(row, (), {}), unreadable.message, now)
    return parcels


def _rows(query: str, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()  # type: ignore[no-any-return]


def _living_secrets(endpoints: set[UUID], now: datetime) -> Sealed:
    """As they are stored, the present one first: it has no end."""
    living = EndpointSecret.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), endpoint__in=endpoints)
    sealed: Sealed = defaultdict(list)
    for endpoint_id, text in living.order_by(F("expires_at").desc(nulls_first=True)).values_list(
        "endpoint_id", "sealed"
    ):
        sealed[endpoint_id].append(text)
    return sealed


def _opened(row: Row, sealed: Sequence[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """The secrets and the endpoint's own headers. Raises SecretUnreadable."""
    if not sealed:
        raise SecretUnreadable("there is no secret to sign with")
    secrets = tuple(unseal(text, endpoint_id=row[1]) for text in sealed)
    return secrets, orjson.loads(unseal(row[8], endpoint_id=row[1])) if row[8] else {}


def _parcel(row: Row, secrets: tuple[str, ...], headers: dict[str, str]) -> Parcel:
    delivery_id, endpoint_id, epoch, attempts, is_manual, event_type, body, url, _ = row
    return Parcel(
        delivery_id=delivery_id,
        endpoint_id=endpoint_id,
        claim_epoch=epoch,
        attempt=attempts + 1,
        is_manual=is_manual,
        url=url,
        event_type=event_type,
        body=bytes(body),
        secrets=secrets,
        headers=headers,
    )


def _fail(parcel: Parcel, message: str, now: datetime) -> None:
    log.error("endpoint %s cannot be sent anything: %s", parcel.endpoint_id, message)
    record(parcel, Result(duration_ms=0, reason="unsendable", message=message), now)
