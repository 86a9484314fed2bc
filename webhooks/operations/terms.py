"""Terms: what a caller says of an endpoint, and what may be said."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from runs.egress import check_url
from runs.errors import AddressRefused, FieldFault
from webhooks.operations.own_headers import header_faults
from webhooks.operations.secret_text import secret_fault
from webhooks.wanted import unknown_names

OVERLAPS = {"now": timedelta(0), "24h": timedelta(hours=24), "7d": timedelta(days=7)}
USUAL_OVERLAP = "24h"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Of which runs an endpoint hears: that have one of the tags, and each of the others that is set."""

    tags: tuple[str, ...] = ()
    mode_name: str = ""
    environment: str = ""
    run_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is said of an endpoint; of what is None, nothing is said. Neither secret nor headers are ever printed."""

    url: str | None = None
    events: tuple[str, ...] | None = None
    description: str | None = None
    filters: Filters | None = None
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    rate_per_second: float | None = None
    concurrency: int | None = None
    active: bool | None = None
    paused: bool | None = None
    secret: str | None = field(default=None, repr=False)
    # How long the former secret goes on signing: a word of OVERLAPS.
    secret_overlap: str | None = None


def faults_in(terms: Terms) -> Iterator[FieldFault]:
    """Everything that must not be said, with the path that it has in a body."""
    if terms.url is not None:
        yield from _url_faults(terms.url)
    yield from _event_faults(terms.events or ())
    yield from header_faults(terms.headers or {})
    if terms.secret is not None and (problem := secret_fault(terms.secret)) is not None:
        yield FieldFault("secret", problem)
    if terms.secret_overlap is not None and terms.secret is None:
        yield FieldFault("secretOverlap", "is for a call that sets the secret")


def _url_faults(url: str) -> Iterator[FieldFault]:
    try:
        check_url(url)
    except AddressRefused as refused:
        yield FieldFault("url", refused.message)


def _event_faults(events: Sequence[str]) -> Iterator[FieldFault]:
    unknown = set(unknown_names(events))
    for place, name in enumerate(events):
        if name in unknown:
            yield FieldFault(f"events[{place}]", "must be an event type or a pattern such as run.*")
