"""What is counted for endpoints on their pages: three statements, however many endpoints a page shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q

from webhooks.models import Delivery
from webhooks.models.delivery import DeliveryStatus

MEASURED_ATTEMPTS = 1_000

# Of a busy endpoint the newest are enough; index attempt_newest.
_P95 = """
SELECT one.id, (SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY newest.duration_ms)
                  FROM (SELECT duration_ms FROM webhooks_attempt
                         WHERE endpoint_id = one.id AND started_at > clock_timestamp() - interval '1 day'
                         ORDER BY started_at DESC LIMIT %s) AS newest)
  FROM unnest(%s::uuid[]) AS one (id)
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one endpoint: deliveries that wait, that were given up, and the time that 95 of 100 attempts took at most."""

    waiting: int = 0
    exhausted: int = 0
    cancelled: int = 0
    p95_ms: float | None = None


def figures_of(endpoint_ids: Sequence[UUID]) -> Mapping[UUID, Figures]:
    """The figures of each of them."""
    waiting = _counted(endpoint_ids, Q(status=DeliveryStatus.PENDING))
    given_up = _counted(endpoint_ids, Q(status__in=[DeliveryStatus.EXHAUSTED, DeliveryStatus.CANCELLED]))
    p95 = _p95(endpoint_ids)
    return {
        one: Figures(
            waiting.get((one, DeliveryStatus.PENDING), 0),
            given_up.get((one, DeliveryStatus.EXHAUSTED), 0),
            given_up.get((one, DeliveryStatus.CANCELLED), 0),
            p95.get(one),
        )
        for one in endpoint_ids
    }


def _counted(endpoint_ids: Sequence[UUID], which: Q) -> Mapping[tuple[UUID, str], int]:
    # Each in a statement of its own: one partial index holds those that wait, another those that were given up.
    counted = (
        Delivery.objects.filter(which, endpoint_id__in=endpoint_ids).order_by().values_list("endpoint_id", "status")
    )
    return {(endpoint, status): number for endpoint, status, number in counted.annotate(number=Count("id"))}


def _p95(endpoint_ids: Sequence[UUID]) -> Mapping[UUID, float | None]:
    with connection.cursor() as cursor:
        cursor.execute(_P95, [MEASURED_ATTEMPTS, list(endpoint_ids)])
        return dict(cursor.fetchall())
