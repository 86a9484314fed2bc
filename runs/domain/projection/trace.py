"""Slice `trace`: where the run is found in a tracing system, and what was made on the way."""

from collections.abc import Sequence
from typing import cast

from runs.domain.events import Event, EventType
from runs.domain.projection.handlers import Handlers
from runs.domain.projection.members import text
from runs.domain.projection.sketch import Sketch


def note(sketch: Sketch, log: Sequence[Event]) -> None:
    """The first trace id stays; a span counts when it is not the one before it."""
    trace = sketch.trace
    for event in log:
        if event.trace_id and "traceId" not in trace:
            trace["traceId"] = event.trace_id
        if event.span_id and event.span_id != trace.get("lastSpanId"):
            trace["lastSpanId"] = event.span_id
            trace["spanCount"] = cast(int, trace["spanCount"]) + 1


def _created(sketch: Sketch, event: Event) -> None:
    if (artifact := text(event.subject_id)) is not None:
        sketch.artifacts.put(artifact)


HANDLERS: Handlers = {EventType.ARTIFACT_CREATED: _created}
