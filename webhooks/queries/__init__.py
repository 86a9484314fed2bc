"""Every read of endpoints and deliveries that the API and the pages share. Nothing in here writes."""

from webhooks.queries.deliveries import (
    DeliveryFilter,
    ReplayFilter,
    attempts_of,
    count_deliveries,
    delivery_with_body,
    list_deliveries,
    replayable,
)
from webhooks.queries.endpoints import list_endpoints, require_endpoint, shown_endpoint

__all__ = [
    "DeliveryFilter",
    "ReplayFilter",
    "attempts_of",
    "count_deliveries",
    "delivery_with_body",
    "list_deliveries",
    "list_endpoints",
    "replayable",
    "require_endpoint",
    "shown_endpoint",
]
