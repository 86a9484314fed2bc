"""Recording: what came of an attempt, in one transaction with all that follows from it."""

import logging
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction

from runs.crashpoint import committing
from webhooks import notices
from webhooks.delivery import health, outcome
from webhooks.delivery.lock import claimed_at
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.parcel import Parcel
from webhooks.result import Result

log = logging.getLogger("signalbox.webhooks")

Jitter = Callable[[], float]

_STORE = f"UPDATE webhooks_delivery SET {', '.join(f'{name} = %s' for name in outcome.COLUMNS)} WHERE id = %s"  # noqa: S608 - our own names


def by_chance() -> float:
    """From -1 to 1: those who failed together need not come back together."""
    return random.uniform(-1, 1)  # noqa: S311 - nothing secret


class Sent(NamedTuple):
    """A parcel that somebody tried to deliver, and how that went."""

    parcel: Parcel
    result: Result


def record(parcel: Parcel, result: Result, now: datetime, *, jitter: Jitter = by_chance) -> bool:
    """The attempt is on record and what follows from it is planned.

    False, and nothing is written, if the delivery was claimed anew since: whoever has it now says how it went.
    """
    return record_all([Sent(parcel, result)], now, jitter=jitter) == 1


def record_all(sent: Iterable[Sent], now: datetime, *, jitter: Jitter = by_chance) -> int:
    """The same for several attempts in one transaction; returns how many count.

    Endpoints are locked before deliveries, and each in one order: those who record beside each other wait and do not block
    each other for good.
    """
    sent = list(sent)
    with transaction.atomic():
        endpoints = _locked_endpoints({one.parcel.endpoint_id for one in sent})
        deliveries = _locked_deliveries({one.parcel.delivery_id for one in sent})
        counting = [one for one in sent if _is_still_theirs(deliveries.get(one.parcel.delivery_id), one.parcel)]
        for one in counting:
            _settle(one, deliveries[one.parcel.delivery_id], endpoints[one.parcel.endpoint_id], jitter(), now)
        _store(counting, deliveries, now)
        for parcel, result in counting:
            _tell(endpoints[parcel.endpoint_id], deliveries[parcel.delivery_id], result, now)
        for endpoint in endpoints.values():
            endpoint.save(update_fields=health.COLUMNS)
        committing("webhooks.record")
    return len(counting)


def _locked_endpoints(ids: set[UUID]) -> Mapping[UUID, Endpoint]:
    found = Endpoint.objects.filter(id__in=ids).order_by("id").select_for_update(no_key=True)
    return {one.id: one for one in found}


def _locked_deliveries(ids: set[UUID]) -> Mapping[UUID, Delivery]:
    found = Delivery.objects.filter(id__in=ids).order_by("id").select_for_update(no_key=True).defer("body")
    return {one.id: one for one in found}


def _is_still_theirs(delivery: Delivery | None, parcel: Parcel) -> bool:
    """Also False if this very attempt is on record already: whoever does not know whether it committed may try again."""
    return (
        delivery is not None and delivery.claim_epoch == parcel.claim_epoch and delivery.attempts == parcel.attempt - 1
    )


def _settle(sent: Sent, delivery: Delivery, endpoint: Endpoint, jitter: float, now: datetime) -> None:
    outcome.settle(
        delivery,
        sent.result,
        is_manual=sent.parcel.is_manual,
        claimed_at=claimed_at(delivery.locked_until),
        listens=endpoint.active and endpoint.deleted_at is None,
        jitter=jitter,
        now=now,
    )


def _store(sent: Sequence[Sent], deliveries: Mapping[UUID, Delivery], now: datetime) -> None:
    Attempt.objects.bulk_create(_attempt(parcel, result, now) for parcel, result in sent)
    changed = [deliveries[parcel.delivery_id] for parcel, _ in sent]
    with connection.cursor() as cursor:
        cursor.executemany(_STORE, [[*(getattr(one, name) for name in outcome.COLUMNS), one.id] for one in changed])


def _attempt(parcel: Parcel, result: Result, now: datetime) -> Attempt:
    return Attempt(
        delivery_id=parcel.delivery_id,
        endpoint_id=parcel.endpoint_id,
        number=parcel.attempt,
        is_manual=parcel.is_manual,
        started_at=now - timedelta(milliseconds=result.duration_ms),
        duration_ms=result.duration_ms,
        is_success=result.is_success,
        response_status=result.status,
        reason=result.reason,
        error_message=result.message[:500],
        permanent=result.is_permanent,
        excerpt=result.excerpt,
        response_headers=dict(result.headers),
    )


def _tell(endpoint: Endpoint, delivery: Delivery, result: Result, now: datetime) -> None:
    """The health of the endpoint counts the attempt, operators learn what they should, and a wish to be disabled is met."""
    health.note(endpoint, result, now)
    if not result.is_success:
        log.info(
            "delivery %s to endpoint %s failed (%s): attempt %d, now %s",
            *(delivery.id, endpoint.id, delivery.error_message, delivery.attempts, delivery.status),
        )
    try:
        with transaction.atomic():
            notices.after_attempt(endpoint, delivery, result, now)
            if result.wish in outcome.DISABLING and endpoint.active:
                notices.disable(endpoint, _WHY[result.wish], now)
    except Exception:  # or the receiver would be sent the same for ever, because nobody could be told how that went
        log.exception("endpoint %s: nobody could be told about its attempt", endpoint.id)


_WHY = {"gone": "it answered 410 Gone", "disable": "it asked to be disabled"}
