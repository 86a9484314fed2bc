"""Outcome: what one attempt means for its delivery. Rules alone: no statement is issued here."""

from datetime import datetime, timedelta

from django.conf import settings

from webhooks.backoff import next_try
from webhooks.models.delivery import Delivery, DeliveryStatus
from webhooks.result import Result

DISABLING = ("disable", "gone")

# What an attempt may change, in the order in which it is stored.
COLUMNS = (
    *("status", "attempts", "tries", "next_attempt_at", "resend_at", "due_at", "locked_until"),
    *("response_status", "error_message", "last_attempt_at", "delivered_at"),
)


def settle(
    delivery: Delivery,
    result: Result,
    *,
    is_manual: bool,
    claimed_at: datetime | None,
    listens: bool,
    jitter: float,
    now: datetime,
) -> None:
    """The columns of `delivery` say what follows from the attempt; nothing is stored yet.

    The chain of the schedule is moved by its own attempts alone: one that somebody asked for leaves it as it was, unless the
    receiver has it now or never wants it. Nothing is planned for an endpoint that does not listen (any more).
    """
    delivery.attempts += 1
    delivery.tries += not is_manual
    delivery.locked_until = None
    delivery.response_status, delivery.last_attempt_at = result.status, now
    delivery.error_message = "" if result.is_success else _in_words(result)
    if is_manual and not _asked_since(delivery, claimed_at):
        delivery.resend_at = None
    if result.is_success:
        _end(delivery, DeliveryStatus.DELIVERED)
        delivery.delivered_at = now
    elif delivery.status == DeliveryStatus.PENDING:
        _go_on(delivery, result, is_manual=is_manual, listens=listens, jitter=jitter, now=now)


def _go_on(delivery: Delivery, result: Result, *, is_manual: bool, listens: bool, jitter: float, now: datetime) -> None:
    if result.wish in DISABLING or not listens:
        return _give_up(delivery, DeliveryStatus.CANCELLED)
    if result.is_permanent:
        return _give_up(delivery, DeliveryStatus.EXHAUSTED)
    if not is_manual:
        wait = next_try(settings.WEBHOOK_RETRY_SCHEDULE, tries=delivery.tries, result=result, jitter=jitter)
        delivery.next_attempt_at = None if wait is None else now + timedelta(seconds=wait)
    planned = [one for one in (delivery.next_attempt_at, delivery.resend_at) if one is not None]
    if planned:
        delivery.due_at = min(planned)
    else:
        _give_up(delivery, DeliveryStatus.EXHAUSTED)


def _give_up(delivery: Delivery, status: DeliveryStatus) -> None:
    # Sent again after it had arrived: it still has.
    _end(delivery, status if delivery.delivered_at is None else DeliveryStatus.DELIVERED)


def _asked_since(delivery: Delivery, claimed_at: datetime | None) -> bool:
    """True where somebody asked for one more attempt while this one was under way."""
    return claimed_at is not None and delivery.resend_at is not None and delivery.resend_at > claimed_at


def _end(delivery: Delivery, status: DeliveryStatus) -> None:
    delivery.status = status
    delivery.next_attempt_at = delivery.resend_at = delivery.due_at = None


def _in_words(result: Result) -> str:
    return (result.message or (f"it answered {result.status}" if result.status else result.reason))[:500]
