"""Slice `timeline`: how long the log is and how it ends; every event counts, known or not."""

from collections.abc import Sequence
from typing import cast

from runs.domain.events import Event, JsonObject
from runs.domain.projection import bounds
from runs.domain.projection.sketch import Sketch


def _line(event: Event) -> JsonObject:
    line: JsonObject = {"id": str(event.id), "seq": event.seq, "ts": event.ts, "type": str(event.type)}
    if event.subject_kind is not None and event.subject_id is not None:
        line["subject"] = {"kind": event.subject_kind, "id": event.subject_id}
    return line


def note(sketch: Sketch, log: Sequence[Event]) -> None:
    """The timeline ends where the log ends."""
    timeline = sketch.timeline
    timeline["latestSeq"] = log[-1].seq
    timeline["totalEvents"] = cast(int, timeline["totalEvents"]) + len(log)
    recent = [*cast(list[JsonObject], timeline["recent"]), *map(_line, log[-bounds.RECENT :])]
    timeline["recent"] = recent[-bounds.RECENT :]
