"""Every read of runs that the API, the streams and the insights share. Nothing in here writes."""

from runs.queries.artifacts import Trace, artifact_row, artifacts_held, artifacts_of, trace_of
from runs.queries.audit import AuditFilter, count_audit, list_audit
from runs.queries.events import (
    EventFilter,
    accepted_commitment,
    count_events,
    events_after,
    events_backwards,
    filtered_events,
    iterate_events,
    newest_events,
    unreadable_frames,
)
from runs.queries.feed import FeedFilter, Position, count_feed, feed_page, is_of_scenario, position_of, settled_before
from runs.queries.late import count_late, late_of
from runs.queries.messages import messages_of
from runs.queries.owners import Owner, Ownership, has_live_owner, ownership_of, some_observer_beats, unwatched
from runs.queries.runs import RunFilter, list_runs, require_run, run_row
from runs.queries.sessions import sessions_without_run
from runs.queries.states import folded_state, state_of, state_text

__all__ = [
    "AuditFilter",
    "EventFilter",
    "FeedFilter",
    "Owner",
    "Ownership",
    "Position",
    "RunFilter",
    "Trace",
    "accepted_commitment",
    "artifact_row",
    "artifacts_held",
    "artifacts_of",
    "count_audit",
    "count_events",
    "count_feed",
    "count_late",
    "events_after",
    "events_backwards",
    "feed_page",
    "filtered_events",
    "folded_state",
    "has_live_owner",
    "is_of_scenario",
    "iterate_events",
    "late_of",
    "list_audit",
    "list_runs",
    "messages_of",
    "newest_events",
    "ownership_of",
    "position_of",
    "require_run",
    "run_row",
    "sessions_without_run",
    "settled_before",
    "some_observer_beats",
    "state_of",
    "state_text",
    "trace_of",
    "unreadable_frames",
    "unwatched",
]
