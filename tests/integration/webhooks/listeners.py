"""Endpoints with deliveries and attempts, whoever would have made them, at times of a test's own choosing."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction

from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.notices import after_attempt
from webhooks.result import Result

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OK = Result(duration_ms=40, status=200)
BROKEN = Result(duration_ms=900, status=503, reason="status", message="status 503")


def listener(**columns: object) -> Endpoint:
    """An endpoint of the default project that hears of the ends of runs."""
    return Endpoint.objects.create(
        **{"project_id": DEFAULT_PROJECT_ID, "url": "https://hooks.example/in", "created_at": START, **columns}
    )


def parcel_for(endpoint: Endpoint, at: datetime = START, **columns: object) -> Delivery:
    """One event that is to be delivered."""
    return Delivery.objects.create(
        **{
            "project_id": endpoint.project_id,
            "endpoint": endpoint,
            "event_type": "run.failed",
            "event_id": uuid7(),
            "run_id": uuid7(),
            "seq": 3,
            "body": b'{"event":"run.failed"}',
            "status": "pending",
            "next_attempt_at": at,
            "due_at": at,
            "created_at": at,
            **columns,
        }
    )


def tried(delivery: Delivery, result: Result, at: datetime) -> Endpoint:
    """The endpoint after one attempt, whose result was recorded as the drain does it."""
    with transaction.atomic():
        endpoint = Endpoint.objects.select_for_update(no_key=True).get(id=delivery.endpoint_id)
        delivery.attempts, delivery.tries = delivery.attempts + 1, delivery.tries + 1
        Attempt.objects.create(
            delivery=delivery,
            endpoint=endpoint,
            number=delivery.attempts,
            started_at=at,
            duration_ms=result.duration_ms,
            is_success=result.is_success,
            response_status=result.status,
            reason=result.reason,
            error_message=result.message,
            permanent=result.is_permanent,
            excerpt=result.excerpt,
            response_headers=dict(result.headers),
        )
        delivery.last_attempt_at = at
        delivery.response_status, delivery.error_message = result.status, result.message
        if result.is_success:
            delivery.status, delivery.delivered_at, delivery.due_at, delivery.next_attempt_at = (
                "delivered",
                at,
                None,
                None,
            )
            endpoint.last_success_at, endpoint.failing_since, endpoint.failures = at, None, 0
        else:
            endpoint.last_failure_at = at
            endpoint.failing_since, endpoint.failures = endpoint.failing_since or at, endpoint.failures + 1
        delivery.save()
        endpoint.save()
        after_attempt(endpoint, delivery, result, at)
    return Endpoint.objects.get(id=endpoint.id)


def told(endpoint: Endpoint | UUID) -> list[str]:
    """The kinds of the notices about it, in their order, without `endpoint.`."""
    key = endpoint.id if isinstance(endpoint, Endpoint) else endpoint
    kinds = Endpoint.objects.get(id=key).notices.order_by("created_at", "id").values_list("kind", flat=True)
    return [kind.partition(".")[2] for kind in kinds]
