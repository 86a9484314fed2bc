"""What webhooks were told of a run, for the panel that shows it: to whoever may see deliveries, not to managers alone."""

from typing import cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse

from insights.pages.door import console_part, project_of
from runs.domain.documents import iso
from runs.domain.documents.clock import iso_or_none
from runs.domain.events import JsonObject
from runs.queries.shown import redactor
from webhooks.models import Delivery, Endpoint
from webhooks.models.delivery import DeliveryStatus

MOST = 200


def _run_webhooks(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The newest deliveries of the run by endpoint, and how many endpoints there are; without what looks like a secret."""
    project_id = project_of(request)
    of_run = Delivery.objects.filter(project_id=project_id, run_id=run_id, endpoint__deleted_at=None)
    rows = of_run.select_related("endpoint").defer("body").order_by("-created_at", "-id")[: MOST + 1]
    shown = list(rows)
    found: dict[UUID, JsonObject] = {}
    for row in shown[:MOST]:
        told = found.setdefault(row.endpoint_id, {"endpoint": _endpoint(row.endpoint), "data": []})
        cast("list[JsonObject]", told["data"]).append(_delivery(row))
    return JsonResponse(
        {
            "endpoints": Endpoint.objects.of(project_id).count(),
            "found": list(found.values()),
            "hasMore": len(shown) > MOST,
        }
    )


def _endpoint(endpoint: Endpoint) -> JsonObject:
    return {"id": str(endpoint.id), "url": redactor().redact_text(endpoint.url), "active": endpoint.active}


def _delivery(row: Delivery) -> JsonObject:
    return {
        "id": str(row.id),
        "event": row.event_type,
        "seq": row.seq,
        "status": row.status,
        "attempts": row.attempts,
        "nextAttemptAt": iso_or_none(row.due_at) if row.status == DeliveryStatus.PENDING else None,
        "responseStatus": row.response_status,
        "errorMessage": redactor().redact_text(row.error_message) or None,
        "createdAt": iso(row.created_at),
    }


run_webhooks = console_part(_run_webhooks, "webhooks.view_delivery")
