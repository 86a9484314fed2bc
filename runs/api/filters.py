"""Which runs, events and audit entries a list shows, read from the query."""

from dataclasses import dataclass
from uuid import UUID

from runs.api.cursor import position_from
from runs.api.query import BIGGEST, Query
from runs.domain.lifecycle import RunStatus
from runs.domain.run_ids import uuid_of
from runs.queries import AuditFilter, EventFilter, FeedFilter, Position, RunFilter

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


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPage:
    """One page of GET /events: of one run, then it goes on after a number; or of all, then behind a place."""

    run_id: UUID | None
    wanted: FeedFilter
    after: Position | None
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
        wanted=_event_filter(query),
        after=query.integer("afterSeq", default=0, least=0, most=BIGGEST),
        limit=query.integer("limit", default=200, least=1, most=5000),
    )


def feed_page(query: Query) -> FeedPage:
    """The page a query asks for; faults are noted there."""
    run_id = _optional_id(query, "runId")
    return FeedPage(
        run_id=run_id,
        wanted=FeedFilter(
            events=_event_filter(query),
            scenario_ref=query.text("scenarioRef"),
            after_seq=query.integer("afterSeq", default=0, least=0, most=BIGGEST),
        ),
        after=_read_cursor(query, run_id),
        limit=query.integer("limit", default=500, least=1, most=5000),
    )


def audit_filter(query: Query) -> AuditFilter:
    """Which audit entries a query asks for; faults are noted there."""
    return AuditFilter(
        actor=query.text("actor"),
        action=query.text("action"),
        resource=query.text("resource"),
        resource_id=query.text("resourceId"),
        created_after=query.moment("createdAfter"),
        created_before=query.moment("createdBefore"),
    )


def _optional_id(query: Query, name: str) -> UUID | None:
    text = query.text(name)
    found = uuid_of(text) if text else None
    if text and found is None:
        query.fault(name, "must be a UUID")
    return found


def _read_cursor(query: Query, run_id: UUID | None) -> Position | None:
    text = query.text("cursor")
    if not text:
        return None
    position = position_from(text)
    if run_id is not None:
        query.fault("cursor", "is for pages without runId; pass nextCursor as afterSeq")
    elif position is None:
        query.fault("cursor", "must be the nextCursor of an earlier page")
    return position


def _event_filter(query: Query) -> EventFilter:
    return EventFilter(after_ts=query.moment("afterTs"), before_ts=query.moment("beforeTs"), types=query.words("type"))


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
