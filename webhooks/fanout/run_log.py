"""The log of a run as it is told: each event with its names, and with the status that the run had then.

Both follow from the log alone, whose beginning never changes: it does not matter when, or how often, a piece of it is told.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple, cast
from uuid import UUID

import orjson
from django.db import connection

from runs.domain.events import JsonObject, moved_status
from runs.domain.lifecycle import RunStatus
from runs.queries import events_backwards
from webhooks.fanout.listeners import HeardRun
from webhooks.payloads import THIN_FROM_BYTES, Fact
from webhooks.wanted import MAY_START, MOVING, names_of, says_running

PAGE = 256  # events; of each so much data at most as goes out

# Numbers are dense: with both ends no plan reads more than the slice.
_EVENTS = """
SELECT id, seq, ts, type, CASE WHEN octet_length(data) <= %s OR type = ANY(%s) THEN data END FROM runs_event
 WHERE run_id = %s AND seq > %s AND seq <= %s AND type = ANY(%s) ORDER BY seq LIMIT %s
"""
_HAS_MOVED = "SELECT 1 FROM runs_event WHERE run_id = %s AND seq >= %s AND seq <= %s AND type = ANY(%s) LIMIT 1"
# Only what contains the words is read as JSON.
_RAN_BEFORE = """
SELECT 1 FROM runs_event WHERE run_id = %s AND seq < %s AND type = ANY(%s) AND CASE
       WHEN data LIKE '%%"runStatus":"running"%%' THEN data::json ->> 'runStatus' = 'running' ELSE false END
 ORDER BY seq LIMIT 1
"""


class Told(NamedTuple):
    """An event with the names it goes out under."""

    fact: Fact
    names: tuple[str, ...]


class _Row(NamedTuple):
    id: UUID
    seq: int
    ts: datetime
    type: str
    data: str | None


class RunLog:
    """One slice of a run's log, from number `first` to `last`."""

    def __init__(self, run: HeardRun, first: int, last: int) -> None:
        self._run, self._first, self._last = run, first, last
        self._status: str | None = None  # with the event that was read last, once somebody had to know
        self._has_run = False  # an event that says so was read, or is known to lie before

    def told(self, sources: Collection[str]) -> Iterator[list[Told]]:
        """What the events of these canonical types tell, a page at a time, in order."""
        types, after, is_more = sorted(MOVING.union(sources)), self._first - 1, True
        while is_more:
            rows = self._page(after, types)
            yield [told for row in rows if (told := self._told(row, sources)) is not None]
            after, is_more = rows[-1].seq if rows else after, len(rows) == PAGE

    def _page(self, after: int, types: list[str]) -> list[_Row]:
        with connection.cursor() as cursor:
            slice_ = (self._run.id, after, self._last)
            cursor.execute(_EVENTS, (THIN_FROM_BYTES, sorted(MOVING), *slice_, types, PAGE))
            return [_Row._make(row) for row in cursor.fetchall()]

    def _told(self, row: _Row, sources: Collection[str]) -> Told | None:
        data: JsonObject = cast(JsonObject, orjson.loads(row.data or "{}")) if row.type in MOVING else {}
        self._status = moved_status(row.type, data) or self._status
        names = names_of(row.type, is_first_running=says_running(row.type, data) and self._is_first_running(row.seq))
        if row.type not in sources or not names:
            return None
        if self._status is None:
            self._status = self._status_before(row.seq)
        error = data.get("error")
        fact = Fact(
            run_id=self._run.id,
            event_id=row.id,
            seq=row.seq,
            ts=row.ts,
            status=self._status,
            data=row.data,
            error=error if isinstance(error, str) else None,
        )
        return Told(fact, names)

    def _is_first_running(self, seq: int) -> bool:
        if self._has_run:
            return False
        self._has_run = True
        return not _finds(_RAN_BEFORE, self._run.id, seq, sorted(MAY_START))

    def _status_before(self, seq: int) -> str:
        """The status of the run before this event, which leaves it as it is."""
        run = self._run
        if not _finds(_HAS_MOVED, run.id, seq, run.last_seq, sorted(MOVING)):
            return run.status
        moves = events_backwards(run.id, seq - 1, types=sorted(MOVING))
        statuses = (moved_status(kind, data) for _, kind, data in moves)
        return next((status for status in statuses if status is not None), RunStatus.QUEUED)


def _finds(query: str, *values: UUID | int | list[str]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchone() is not None
