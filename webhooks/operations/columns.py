"""Columns of an endpoint as its terms name them."""

from webhooks.models import Endpoint
from webhooks.operations.terms import Terms

# The word that callers know a column by.
WORDS = {
    "url": "url",
    "events": "events",
    "description": "description",
    "tags": "filters",
    "mode_name": "filters",
    "environment": "filters",
    "run_id": "filters",
    "rate_per_second": "ratePerSecond",
    "concurrency": "concurrency",
    "active": "active",
    "paused_at": "paused",
    "headers_sealed": "headers",
    "header_names": "headers",
}


def columns_of(terms: Terms) -> dict[str, object]:
    """What the terms say, as plain columns; headers, secret and pause are kept in other ways."""
    said: dict[str, object] = {
        "url": terms.url,
        "events": None if terms.events is None else list(dict.fromkeys(terms.events)),
        "description": terms.description,
        "rate_per_second": terms.rate_per_second,
        "concurrency": terms.concurrency,
        "active": terms.active,
    }
    if terms.filters is not None:
        said |= {
            "tags": list(dict.fromkeys(terms.filters.tags)),
            "mode_name": terms.filters.mode_name,
            "environment": terms.filters.environment,
        }
    columns = {name: value for name, value in said.items() if value is not None}
    # No run at all is a value of its own.
    return columns if terms.filters is None else {**columns, "run_id": terms.filters.run_id}


def changed_columns(endpoint: Endpoint, terms: Terms) -> dict[str, object]:
    """Those columns that are other ones now."""
    return {name: value for name, value in columns_of(terms).items() if getattr(endpoint, name) != value}
