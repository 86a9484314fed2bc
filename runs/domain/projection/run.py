"""Slice `run`: where the run is in its life, and which session it watches."""

from collections.abc import Sequence

from runs.domain.events import ENDING_TYPES, Event, EventType, moved_status
from runs.domain.lifecycle import RunStatus
from runs.domain.projection import bounds
from runs.domain.projection.handlers import Handlers
from runs.domain.projection.members import content, present, text, texts
from runs.domain.projection.sketch import Sketch

_STATUSES = frozenset(status.value for status in RunStatus)


def note(sketch: Sketch, log: Sequence[Event]) -> None:
    """The projected status is the one the last mover of the log carries."""
    sketch.run["runId"] = sketch.run["runId"] or str(log[0].run_id)
    for event in log:
        status = moved_status(event.type, event.data)
        if status is not None and status in _STATUSES:
            sketch.run["status"] = status


def _created(sketch: Sketch, event: Event) -> None:
    data = event.data
    sketch.run.update(
        present(
            modeName=text(data.get("modeName")),
            traceId=text(data.get("traceId")),
            runtimeSessionId=text(data.get("sessionId")),
        )
    )


def _started(sketch: Sketch, event: Event) -> None:
    sketch.run["startedAt"] = event.ts


def _bound(sketch: Sketch, event: Event) -> None:
    data = event.data
    sketch.run.update(
        present(
            runtimeSessionId=text(data.get("sessionId")),
            modeName=text(data.get("modeName")),
            contextId=text(data.get("contextId")),
            extensionKeys=texts(data.get("extensionKeys"), bounds.EXTENSION_KEYS) or None,
        )
    )


def _ended(sketch: Sketch, event: Event) -> None:
    certificate = content(event.data.get("ending"))
    sketch.run["endedAt"] = event.ts
    sketch.run["ending"] = present(
        status=text(certificate.get("status")) or event.type.removeprefix("run."),
        code=text(certificate.get("code")),
        decidedBy=text(certificate.get("decidedBy")),
    )


HANDLERS: Handlers = {
    EventType.RUN_CREATED: _created,
    EventType.RUN_STARTED: _started,
    EventType.SESSION_BOUND: _bound,
    **dict.fromkeys(ENDING_TYPES, _ended),
}
