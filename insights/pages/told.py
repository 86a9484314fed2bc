"""Which webhooks were told of a run, for the panel that shows it: asked of each endpoint it would be as many questions."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from insights.pages.door import console_part
from insights.told import Told, told_of
from runs.domain.events import JsonObject
from runs.errors import RunNotFound
from runs.models.project import DEFAULT_PROJECT_ID
from runs.queries.shown import redactor
from webhooks.api.documents import delivery_document
from webhooks.models import Endpoint


def _run_told(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The newest deliveries of the run, by endpoint."""
    try:
        return JsonResponse(_document(told_of(DEFAULT_PROJECT_ID, run_id)))
    except RunNotFound as missing:
        raise Http404("There is no such run.") from missing


def _document(found: Told) -> JsonObject:
    endpoints: dict[UUID, Endpoint] = {one.endpoint_id: one.endpoint for one in found.deliveries}
    told = [
        {
            "endpoint": {"id": str(key), "url": redactor().redact_text(endpoint.url), "active": endpoint.active},
            "deliveries": [delivery_document(one) for one in found.deliveries if one.endpoint_id == key],
        }
        for key, endpoint in endpoints.items()
    ]
    return {"endpoints": found.endpoints, "told": told, "isMore": found.is_more}


run_told = console_part(_run_told, "webhooks.view_delivery")
