"""Reads of endpoints."""

from uuid import UUID

from django.db.models import Prefetch

from runs.errors import NotFound
from webhooks.models import Endpoint, EndpointSecret
from webhooks.models.endpoint import EndpointQuerySet

LIVING = "living_secrets"


def list_endpoints(project_id: UUID) -> list[Endpoint]:
    """Every endpoint of the project, the oldest first, with its `living_secrets`."""
    return list(_with_secrets(Endpoint.objects.of(project_id)).order_by("created_at", "id"))


def shown_endpoint(project_id: UUID, endpoint_id: UUID) -> Endpoint:
    """The endpoint with its `living_secrets`. Raises NotFound, also for one of another project."""
    endpoint = _with_secrets(Endpoint.objects.of(project_id)).filter(id=endpoint_id).first()
    if endpoint is None:
        raise NotFound("there is no such webhook")
    return endpoint


def require_endpoint(project_id: UUID, endpoint_id: UUID) -> None:
    """The endpoint is there. Raises NotFound, also for one of another project."""
    if not Endpoint.objects.of(project_id).filter(id=endpoint_id).exists():
        raise NotFound("there is no such webhook")


def living_secrets(endpoint: Endpoint) -> list[EndpointSecret]:
    """Those of an endpoint that was read here, the present one first."""
    found: list[EndpointSecret] = getattr(endpoint, LIVING)
    return found


def _with_secrets(endpoints: EndpointQuerySet) -> EndpointQuerySet:
    return endpoints.prefetch_related(Prefetch("secrets", EndpointSecret.objects.living(), to_attr=LIVING))
