"""Reads of a run's log."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

import orjson
from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from runs.domain.documents import EventRow, EventText, event_columns_as_shown, iso
from runs.domain.events import Event as EventValue
from runs.domain.events import EventType, JsonObject, ObservationKind
from runs.models import Event, RawObservation

_PAGE = 1000
_LAST_WORDS = 64  # who reads backwards looks for something said a moment ago
_SHOWN = event_columns_as_shown("runs_event")
# Consoles page through logs with this one. Both ends: see _page.
_NEXT = f"""
SELECT {", ".join(_SHOWN)} FROM runs_event
 WHERE run_id = %s AND project_id = %s AND seq > %s AND seq <= %s ORDER BY run_id, seq
"""  # noqa: S608 - our own names


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events of a run a list shows: from `after_ts` on, before `before_ts`, of any of `types` (empty: all)."""

    after_ts: datetime | None = None
    before_ts: datetime | None = None
    types: tuple[str, ...] = ()

    @property
    def shows_all(self) -> bool:
        """True if nothing is filtered out."""
        return self == EventFilter()


def events_after(run_id: UUID, after: int, *, limit: int, project_id: UUID | None = None) -> list[EventRow]:
    """The next `limit` events of a run after seq `after`, in order; none if it is not of `project_id`, where given."""
    return _rows(_page(_events(run_id, project_id), after, limit), limit)


def filtered_events(project_id: UUID, run_id: UUID, wanted: EventFilter, *, after: int, limit: int) -> list[EventText]:
    """The next `limit` events after seq `after` that `wanted` matches, in order, as they are shown."""
    if wanted.shows_all:
        with connection.cursor() as cursor:
            cursor.execute(_NEXT, [run_id, project_id, after, after + limit])
            return [EventText._make(row) for row in cursor.fetchall()]
    found = _matching(project_id, run_id, wanted).filter(seq__gt=after).order_by("run_id", "seq")
    shown = [RawSQL(column, ()) for column in _SHOWN]  # noqa: S611 - our own names
    return [EventText._make(row) for row in found.values_list(*shown)[:limit]]


def count_events(project_id: UUID, run_id: UUID, wanted: EventFilter) -> int:
    """How many events of the run `wanted` matches, wherever a page of them begins."""
    return _matching(project_id, run_id, wanted).count()


def iterate_events(run_id: UUID, *, up_to: int | None = None) -> Iterator[EventValue]:
    """Every event of a run in order, up to and with seq `up_to`; a page at a time is in memory."""
    for page in event_pages(run_id, up_to=up_to):
        yield from page


def event_pages(run_id: UUID, *, after: int = 0, up_to: int | None = None) -> Iterator[list[EventValue]]:
    """The events of a run after seq `after`, up to and with `up_to`, in order, a page at a time for whoever folds them."""
    events = _events(run_id, None) if up_to is None else _events(run_id, None).filter(seq__lte=up_to)
    while page := _rows(_page(events, after, _PAGE), _PAGE):
        yield [event_value(row) for row in page]
        after = page[-1].seq


def events_backwards(run_id: UUID, last: int, *, types: Sequence[str]) -> Iterator[tuple[int, str, JsonObject]]:
    """Number, type and data of the events of these types from seq `last` on backwards; a short page at a time."""
    before = last + 1
    while True:
        found = Event.objects.filter(run_id=run_id, seq__lt=before, type__in=types).order_by("-seq")
        page = list(found.values_list("seq", "type", "data")[:_LAST_WORDS])
        for seq, kind, data in page:
            yield seq, kind, cast(JsonObject, orjson.loads(data))
        if len(page) < _LAST_WORDS:
            return
        before = page[-1][0]


def newest_events(run_id: UUID, types: Sequence[str], *, after: int, limit: int) -> list[EventRow]:
    """The newest `limit` events of these types after seq `after`, in order."""
    found = Event.objects.filter(run_id=run_id, seq__gt=after, type__in=types).order_by("-seq")
    return [EventRow._make(row) for row in found.values_list(*EventRow._fields)[:limit]][::-1]


def accepted_commitment(run_id: UUID) -> int | None:
    """The seq of the last Commitment that the runtime accepted, None without one."""
    finalized = Event.objects.filter(run_id=run_id, type=EventType.DECISION_FINALIZED)
    return finalized.order_by("-seq").values_list("seq", flat=True).first()


def unreadable_frames(run_id: UUID) -> int:
    """How many frames of the run's stream could not be read: they are on record, but the runtime cursor skips them."""
    return RawObservation.objects.filter(run_id=run_id, kind=ObservationKind.UNDECODABLE).count()


def event_value(row: EventRow | EventText) -> EventValue:
    """The row as the value it was written from."""
    columns = row._asdict()
    del columns["created_at"]
    if isinstance(row, EventText):
        columns["id"], columns["run_id"] = UUID(row.id), UUID(row.run_id)
    else:
        columns["ts"] = iso(row.ts)
    columns["data"] = cast(JsonObject, orjson.loads(row.data))
    return EventValue(**columns)


def _events(run_id: UUID, project_id: UUID | None) -> QuerySet[Event]:
    events: QuerySet[Event] = Event.objects.filter(run_id=run_id)
    return events if project_id is None else events.filter(project_id=project_id)


def _matching(project_id: UUID, run_id: UUID, wanted: EventFilter) -> QuerySet[Event]:
    return matching_events(_events(run_id, project_id), wanted)


def matching_events(events: QuerySet[Event], wanted: EventFilter) -> QuerySet[Event]:
    """Those of `events` that `wanted` matches."""
    if wanted.after_ts:
        events = events.filter(ts__gte=wanted.after_ts)
    if wanted.before_ts:
        events = events.filter(ts__lt=wanted.before_ts)
    if wanted.types:
        events = events.filter(type__in=wanted.types)
    return events


def _page(events: QuerySet[Event], after: int, limit: int) -> QuerySet[Event]:
    # Numbers are dense: with both ends no plan reads more, whatever the planner knows of a log that has just become long.
    return events.filter(seq__gt=after, seq__lte=after + limit)


def _rows(events: QuerySet[Event], limit: int) -> list[EventRow]:
    return [EventRow._make(row) for row in events.order_by("run_id", "seq").values_list(*EventRow._fields)[:limit]]
