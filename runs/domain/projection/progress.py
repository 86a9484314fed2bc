"""Slice `progress`: how far the participants say they are."""

from typing import cast

from runs.domain.events import Event, EventType, JsonObject
from runs.domain.projection import bounds
from runs.domain.projection.handlers import Handlers
from runs.domain.projection.members import kept, number, present, prose, text
from runs.domain.projection.sketch import Sketch


def _percentage(value: object) -> int | float | None:
    given = number(value)
    return given if given is not None and 0 <= given <= 100 else None


def _reported(sketch: Sketch, event: Event) -> None:
    data = event.data
    reporter = text(data.get("participantId")) or text(data.get("sender"))
    if reporter is None:
        return
    entry = present(
        participantId=reporter,
        percentage=_percentage(data.get("percentage")),
        message=prose(data.get("message")),
        ts=event.ts,
    )
    entries = cast(list[JsonObject], sketch.progress["entries"])
    sketch.progress["entries"] = kept(entries, entry, bounds.PROGRESS)


HANDLERS: Handlers = {EventType.PROGRESS_REPORTED: _reported}
