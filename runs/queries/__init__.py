"""Every read of runs that the API, the streams and the insights share. Nothing in here writes."""

from runs.queries.events import (
    EventFilter,
    accepted_commitment,
    count_events,
    events_after,
    events_backwards,
    filtered_events,
    iterate_events,
    unreadable_frames,
)
from runs.queries.late import count_late, late_of
from runs.queries.messages import messages_of
from runs.queries.owners import has_live_owner
from runs.queries.runs import RunFilter, count_runs, list_runs, require_run, run_row
from runs.queries.states import folded_state, state_of, state_text

__all__ = [
    "EventFilter",
    "RunFilter",
    "accepted_commitment",
    "count_events",
    "count_late",
    "count_runs",
    "events_after",
    "events_backwards",
    "filtered_events",
    "folded_state",
    "has_live_owner",
    "iterate_events",
    "late_of",
    "list_runs",
    "messages_of",
    "require_run",
    "run_row",
    "state_of",
    "state_text",
    "unreadable_frames",
]
