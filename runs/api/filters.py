"""Which runs, events and messages a list shows, read from the query."""

from dataclasses import dataclass

from runs.api.query import BIGGEST, Query
from runs.domain.lifecycle import RunStatus
from runs.queries import EventFilter, RunFilter

STATUSES = tuple(status.value for status in RunStatus)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """One page of GET /runs."""

    wanted: RunFilter
    sort_by: str
    descending: bool
    limit: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """One page of GET /runs/{id}/events."""

    wanted: EventFilter
    after: int
    limit: int


def run_page(query: Query) -> RunPage:
    """The page a query asks for; faults are noted there."""
    limit, offset = query.page(default=50, most=200)
    return RunPage(
        wanted=_run_filter(query),
        sort_by=query.choice("sortBy", ("createdAt", "updatedAt")) or "createdAt",
        descending=query.choice("sortOrder", ("asc", "desc")) != "asc",
        limit=limit,
        offset=offset,
    )


def event_page(query: Query) -> EventPage:
    """The page a query asks for; faults are noted there."""
    return EventPage(
        wanted=EventFilter(
            after_ts=query.moment("afterTs"), before_ts=query.moment("beforeTs"), types=query.words("type")
        ),
        after=query.integer("afterSeq", default=0, least=0, most=BIGGEST),
        limit=query.integer("limit", default=200, least=1, most=5000),
    )


def _run_filter(query: Query) -> RunFilter:
    return RunFilter(
        status=query.choice("status", STATUSES),
        tags=query.words("tags"),
        created_after=query.moment("createdAfter"),
        created_before=query.moment("createdBefore"),
        environment=query.text("environment"),
        scenario_ref=query.text("scenarioRef"),
        search=query.text("search"),
        include_archived=query.boolean("includeArchived", default=False),
        include_sandbox=query.boolean("includeSandbox", default=False),
    )
