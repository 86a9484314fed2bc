"""Private slice `context`: what the normaliser must know of the log when the next batch arrives."""

from collections.abc import Sequence

from runs.domain.events import Event, EventType
from runs.domain.projection.handlers import Handlers
from runs.domain.projection.members import text
from runs.domain.projection.sketch import Sketch


def note(sketch: Sketch, log: Sequence[Event]) -> None:
    """The time below which no later event may fall is known."""
    sketch.context["lastEventTs"] = log[-1].ts


def _seen(sketch: Sketch, event: Event) -> None:
    if (participant := text(event.data.get("participantId"))) is not None:
        sketch.seen.put(participant)


def _session_state(sketch: Sketch, event: Event) -> None:
    if (state := text(event.data.get("state"))) is not None:
        sketch.context["sessionState"] = state


def _committed(sketch: Sketch, event: Event) -> None:
    sketch.context["commitmentSeq"] = event.seq


HANDLERS: Handlers = {
    EventType.PARTICIPANT_SEEN: _seen,
    EventType.SESSION_BOUND: _session_state,
    EventType.SESSION_STATE_CHANGED: _session_state,
    EventType.DECISION_FINALIZED: _committed,
}
