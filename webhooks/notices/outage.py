"""What an attempt says of its endpoint: that it fails, that it answers again, or that it is to be given up."""

from datetime import datetime, timedelta

from runs.domain.events import JsonObject
from webhooks.models import Attempt, Delivery, Endpoint, Notice
from webhooks.models.notice import NoticeKind
from webhooks.notices.disabling import disable
from webhooks.notices.telling import tell
from webhooks.result import Result

FAILING_AFTER = 4  # failed attempts of one delivery: about five minutes of the schedule
# One that takes some messages and refuses others would be told of again and again.
QUIET_AFTER_RECOVERY = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=5)
GIVEN_UP_FAILURES = 20
GIVEN_UP_SPREAD = timedelta(hours=24)

WISHES = {"gone": "it answered 410 Gone", "disable": "it asked for it (webhook-delivery: disable)"}
TURNS = (NoticeKind.FAILING, NoticeKind.RECOVERED, NoticeKind.DISABLED)


def after_attempt(endpoint: Endpoint, delivery: Delivery, result: Result, now: datetime) -> None:
    """Operators know what the attempt says of the endpoint, which may be disabled for it.

    Part of the transaction that records the attempt, after the rows of attempt, delivery and endpoint have their new
    values, and under the lock of the endpoint's row: two results at once would tell of one outage twice.
    """
    if not endpoint.active:
        return  # an attempt that was under way when it was switched off
    if result.is_success:
        _recovered(endpoint, now)
    elif result.wish in WISHES:
        disable(endpoint, WISHES[result.wish], now)
    elif is_given_up(endpoint, now):
        disable(endpoint, _given_up(endpoint), now)
    elif delivery.attempts >= FAILING_AFTER and delivery.delivered_at is None:
        _failing(endpoint, delivery, result, now)


def is_given_up(endpoint: Endpoint, now: datetime) -> bool:
    """Every attempt of the last five days has failed: often enough, and over a day at least.

    One old failure of an endpoint that heard nothing since, and a burst of new ones, are no five days of failing.
    """
    since = endpoint.failing_since
    if since is None or now - since < GIVEN_UP_AFTER or endpoint.failures < GIVEN_UP_FAILURES:
        return False
    earlier = Attempt.objects.filter(endpoint=endpoint, is_success=False)
    return earlier.filter(started_at__gt=now - GIVEN_UP_AFTER, started_at__lte=now - GIVEN_UP_SPREAD).exists()


def _given_up(endpoint: Endpoint) -> str:
    return f"all {endpoint.failures} attempts since {endpoint.failing_since:%Y-%m-%d %H:%M} UTC have failed"


def _failing(endpoint: Endpoint, delivery: Delivery, result: Result, now: datetime) -> None:
    if (last := _last_turn(endpoint)) and _is_told(endpoint, last, now):
        return
    what = f"status {result.status}" if result.status is not None else result.reason
    since = (endpoint.failing_since or now).isoformat()
    tell(
        endpoint,
        NoticeKind.FAILING,
        f"{endpoint} is failing: {delivery.attempts} attempts to deliver {delivery.event_type}, at last {what}",
        {"deliveryId": str(delivery.id), "attempts": delivery.attempts, "reason": what, "failingSince": since},
        now,
    )


def _recovered(endpoint: Endpoint, now: datetime) -> None:
    if endpoint.last_failure_at is None:
        return  # spares most endpoints the question
    last = _last_turn(endpoint)
    if last is None or last.kind == NoticeKind.RECOVERED:
        return
    since = last.details.get("failingSince") or last.created_at.isoformat()
    details: JsonObject = {"failingSince": since}
    tell(endpoint, NoticeKind.RECOVERED, f"{endpoint} takes deliveries again", details, now)


def _last_turn(endpoint: Endpoint) -> Notice | None:
    return Notice.objects.filter(endpoint=endpoint, kind__in=TURNS).first()


def _is_told(endpoint: Endpoint, last: Notice, now: datetime) -> bool:
    if last.kind == NoticeKind.RECOVERED:
        return now - last.created_at < QUIET_AFTER_RECOVERY
    return last.kind == NoticeKind.FAILING and not _is_over(endpoint, last)


def _is_over(endpoint: Endpoint, failing: Notice) -> bool:
    # It was switched off and on by hand meanwhile: what fails now is another outage.
    return endpoint.failing_since is not None and failing.created_at < endpoint.failing_since
