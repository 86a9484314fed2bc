"""Recording: what came of an attempt, in one transaction with all that follows from it."""

import logging
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction

from runs.crashpoint import committing
from webhooks import notices
from webhooks.counting import count_attempt, count_given_up
from webhooks.delivery import health, outcome
from webhooks.delivery.lock import claimed_at
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.models.delivery import DeliveryStatus
from webhooks.parcel import Parcel
from webhooks.result import Result

log = logging.getLogger("signalbox.webhooks")

Jitter = Callable[[], float]

FORMER_URL = "former_url"


def _update(table: str, columns: Iterable[str]) -> str:
    return f"UPDATE {table} SET {', '.join(f'{name} = %s' for name in columns)} WHERE id = %s"  # noqa: S608 - our own names


_STORE = _update("webhooks_delivery", outcome.COLUMNS)
_STORE_HEALTH = _update("webhooks_endpoint", health.COLUMNS)


def by_chance() -> float:
    """From 0 to 1: those who failed together need not come back together.

    Never below: by the schedule the last try comes after 75 hours. A fifth sooner, and a receiver that is down for three
    days would miss what it should have had.
    """
    return random.random()  # noqa: S311 - nothing secret


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
        counting = [
            _judged(one, endpoints[one.parcel.endpoint_id])
            for one in sent
            if _is_still_theirs(deliveries.get(one.parcel.delivery_id), one.parcel)
        ]
        before = {one.id: one.status for one in deliveries.values()}
        for one in counting:
            _settle(one, deliveries[one.parcel.delivery_id], endpoints[one.parcel.endpoint_id], jitter(), now)
        _store(counting, deliveries, now)
        for parcel, result in counting:
            health.note(endpoints[parcel.endpoint_id], result, now)
            _count(deliveries[parcel.delivery_id], result, before[parcel.delivery_id])
            _tell(endpoints[parcel.endpoint_id], deliveries[parcel.delivery_id], result, now, is_alone=len(sent) == 1)
        _store_rows(_STORE_HEALTH, health.COLUMNS, endpoints.values())
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


def _judged(sent: Sent, endpoint: Endpoint) -> Sent:
    """What a receiver at a former address wants, or that it must not be reached, says nothing of the present one."""
    parcel, result = sent
    if parcel.url == endpoint.url or not result.is_permanent:
        return sent
    return Sent(parcel, replace(result, wish=None, reason=FORMER_URL))


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
    _store_rows(_STORE, outcome.COLUMNS, [deliveries[parcel.delivery_id] for parcel, _ in sent])


def _store_rows(statement: str, columns: Sequence[str], changed: Iterable[Delivery | Endpoint]) -> None:
    # One round trip for all of them.
    with connection.cursor() as cursor:
        cursor.executemany(statement, [[*(getattr(one, name) for name in columns), one.id] for one in changed])


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


def _count(delivery: Delivery, result: Result, before: str) -> None:
    count_attempt(result)
    # What was cancelled while it was under way is counted already.
    if delivery.status != before and delivery.status in (DeliveryStatus.EXHAUSTED, DeliveryStatus.CANCELLED):
        count_given_up(DeliveryStatus(delivery.status))


def _tell(endpoint: Endpoint, delivery: Delivery, result: Result, now: datetime, *, is_alone: bool) -> None:
    """Operators learn what they should, and a wish to be disabled is met.

    Among others a defect in that is raised, and each is recorded by itself. Alone it costs nobody the record, or the receiver
    would be sent the same for ever.
    """
    if not result.is_success:
        log.info(
            "delivery %s to endpoint %s failed (%s): attempt %d, now %s",
            *(delivery.id, endpoint.id, delivery.error_message, delivery.attempts, delivery.status),
        )
    if not is_alone:
        return _tell_operators(endpoint, delivery, result, now)
    try:
        with transaction.atomic():
            _tell_operators(endpoint, delivery, result, now)
    except Exception:
        log.exception("endpoint %s: nobody could be told about its attempt", endpoint.id)


def _tell_operators(endpoint: Endpoint, delivery: Delivery, result: Result, now: datetime) -> None:
    notices.after_attempt(endpoint, delivery, result, now)
    if result.wish in outcome.DISABLING and endpoint.active:
        notices.disable(endpoint, _WHY[result.wish], now)


_WHY = {"gone": "it answered 410 Gone", "disable": "it asked to be disabled"}
