"""What is counted for endpoints on their pages: one statement, however many endpoints a page shows, and bounded for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

MEASURED_ATTEMPTS = 1_000
COUNTED = 1_000  # of each endpoint; how many more there are tells nobody more

# Each part by an index of its own: delivery_due, delivery_given_up, attempt_newest. Of what was given up, and of the attempts
# of a busy endpoint, the newest are enough.
_FIGURES = """
SELECT one.id, waiting.number, given_up.exhausted, given_up.cancelled, taken.p95
  FROM unnest(%(endpoints)s::uuid[]) AS one (id)
 CROSS JOIN LATERAL (SELECT count(*) AS number
       FROM (SELECT 1 FROM webhooks_delivery
              WHERE endpoint_id = one.id AND status = 'pending' LIMIT %(most)s) AS newest) AS waiting
 CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE status = 'exhausted') AS exhausted,
                            count(*) FILTER (WHERE status = 'cancelled') AS cancelled
       FROM (SELECT status FROM webhooks_delivery WHERE endpoint_id = one.id AND status IN ('exhausted', 'cancelled')
              ORDER BY created_at DESC, id DESC LIMIT %(most)s) AS newest) AS given_up
 CROSS JOIN LATERAL (SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms) AS p95
       FROM (SELECT duration_ms FROM webhooks_attempt
              WHERE endpoint_id = one.id AND started_at > clock_timestamp() - interval '1 day'
              ORDER BY started_at DESC LIMIT %(measured)s) AS newest) AS taken
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one endpoint: deliveries that wait, that were given up, and the time that 95 of 100 attempts took at most.

    None counts beyond COUNTED.
    """

    waiting: int = 0
    exhausted: int = 0
    cancelled: int = 0
    p95_ms: float | None = None

    @property
    def told(self) -> Mapping[str, str]:
        """The numbers by status, with a sign where there may be more."""
        given_up = self.exhausted + self.cancelled
        return {
            "pending": _told(self.waiting, self.waiting),
            "exhausted": _told(self.exhausted, given_up),
            "cancelled": _told(self.cancelled, given_up),
        }


def figures_of(endpoint_ids: Sequence[UUID]) -> Mapping[UUID, Figures]:
    """The figures of each of them."""
    values: dict[str, list[UUID] | int] = {
        "endpoints": list(endpoint_ids),
        "most": COUNTED,
        "measured": MEASURED_ATTEMPTS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, values)
        return {endpoint_id: Figures(*figures) for endpoint_id, *figures in cursor.fetchall()}


def _told(number: int, looked_at: int) -> str:
    return f"{number:,}+" if looked_at >= COUNTED else f"{number:,}"
