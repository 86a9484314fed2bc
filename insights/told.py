"""Which webhooks were told of a run, and how that went: the newest deliveries of all of them in one statement."""

from dataclasses import dataclass
from uuid import UUID

from runs import queries
from webhooks.models import Delivery, Endpoint

MOST = 200


@dataclass(frozen=True, slots=True)
class Told:
    """How many endpoints there are, the deliveries with theirs, newest first, and whether there are earlier ones."""

    endpoints: int
    deliveries: list[Delivery]
    is_more: bool


def told_of(project_id: UUID, run_id: UUID) -> Told:
    """What was sent of this run to endpoints that are not deleted; index delivery_of_run. Raises RunNotFound."""
    queries.require_run(project_id, run_id)
    endpoints = Endpoint.objects.of(project_id)
    deliveries = Delivery.objects.filter(run_id=run_id, endpoint__project_id=project_id, endpoint__deleted_at=None)
    newest = deliveries.select_related("endpoint").defer("body").order_by("-created_at", "-id")
    found = list(newest[: MOST + 1])
    return Told(endpoints.count(), found[:MOST], len(found) > MOST)
