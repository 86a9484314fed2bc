"""All slices as one fold."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from runs.domain.events import Event, EventType
from runs.domain.projection import (
    agents,
    context,
    decision,
    graph,
    llm,
    metrics,
    outbound,
    participants,
    policy,
    progress,
    run,
    signals,
    timeline,
    trace,
    votes,
)
from runs.domain.projection.handlers import Handler, Handlers
from runs.domain.projection.sketch import Sketch
from runs.domain.projection.state import ProjectionState

# The order is part of the rules: votes are cast before confidence and tally are made of them, a session's
# participants are known before they are expected, and a decision is made before it is counted.
SLICES: Mapping[str, Handlers] = {
    "run": run.HANDLERS,
    "participants": participants.HANDLERS,
    "graph": graph.HANDLERS,
    "votes": votes.HANDLERS,
    "decision": decision.HANDLERS,
    "signals": signals.HANDLERS,
    "progress": progress.HANDLERS,
    "trace": trace.HANDLERS,
    "outbound": outbound.HANDLERS,
    "policy": policy.HANDLERS,
    "llm": llm.HANDLERS,
    "metrics": metrics.HANDLERS,
    "context": context.HANDLERS,
    "agents": agents.HANDLERS,
}

# What looks at every event does so once per batch.
NOTES: Sequence[Callable[[Sketch, Sequence[Event]], None]] = (
    run.note,
    timeline.note,
    trace.note,
    metrics.note,
    context.note,
)

ROUTES: Mapping[str, Sequence[Handler]] = {
    str(event_type): tuple(handlers[event_type] for handlers in SLICES.values() if event_type in handlers)
    for event_type in EventType
}


def fold(state: ProjectionState, events: Iterable[Event]) -> ProjectionState:
    """The state after these events, the next ones of its run; `state` itself is as it was. Never fails."""
    log = list(events)
    if not log:
        return state
    sketch = Sketch(state)
    for event in log:
        for handle in ROUTES.get(event.type, ()):
            handle(sketch, event)
    for note in NOTES:
        note(sketch, log)
    return sketch.finished()
