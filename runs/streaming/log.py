"""Pages of a run's log, each read in one statement and rendered once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

import orjson
from django.db import connection

from runs.domain.documents import EVENT_COLUMNS, EventText, event_columns_as_shown, event_document
from runs.errors import RunNotFound
from runs.streaming.burst import Burst
from runs.streaming.frame import Frame

PAGE_EVENTS = 256
PAGE_BYTES = 1 << 20  # of event data; a page holds one event more than fits, so that it never stands still

# Numbers are dense, so that a page has two ends: with LIMIT alone a planner that does not know yet how long a log has become
# sorts all the rest of it for every page.
# One statement sees one moment: the page, how far the log went then, and whether the run still existed.
_PAGE = f"""
SELECT run.last_seq, run.ending_seq, CASE WHEN coalesce(page.bytes_before, 0) = 0 THEN clock_timestamp() END,
       {", ".join(event_columns_as_shown("page"))}
  FROM runs_run run
  LEFT JOIN LATERAL (
       SELECT event.*, sum(octet_length(data)) OVER (ORDER BY seq) - octet_length(data) AS bytes_before
         FROM (SELECT {", ".join(EVENT_COLUMNS)} FROM runs_event
                WHERE run_id = run.id AND seq > %s AND seq <= %s ORDER BY seq) AS event
  ) AS page ON page.bytes_before < %s
 WHERE run.id = %s
 ORDER BY page.seq
"""  # noqa: S608 - our own column names


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One event of the log as every client gets it."""

    type: str
    frame: Frame

    @property
    def seq(self) -> int:
        """Its place in the log."""
        assert self.frame.id is not None
        return self.frame.id

    @property
    def document(self) -> bytes:
        """Its JSON."""
        return self.frame.data


class Entries(tuple[LogEntry, ...]):
    """Events in order, which many may be sent."""

    @cached_property
    def burst(self) -> Burst:
        """Their frames."""
        return Burst(entry.frame for entry in self)

    @cached_property
    def is_gapless(self) -> bool:
        """True if each has the number after that of the one before it."""
        return all(entry.seq == self[0].seq + place for place, entry in enumerate(self))


NO_ENTRIES = Entries()


@dataclass(frozen=True, slots=True)
class Page:
    """Events after a cursor, in order, and how the run stood at the moment they were read."""

    entries: Entries
    last_seq: int
    ending_seq: int | None
    read_at: datetime


def page_after(run_id: UUID, after: int, *, limit: int = PAGE_EVENTS) -> Page:
    """The events after `after`, at most `limit` and about PAGE_BYTES of data. Raises RunNotFound if the run is gone."""
    with connection.cursor() as cursor:
        cursor.execute(_PAGE, [after, after + limit, PAGE_BYTES, run_id])
        rows = cursor.fetchall()
    if not rows:
        raise RunNotFound
    last_seq, ending_seq, read_at = rows[0][:3]
    found = [EventText._make(row[3:]) for row in rows if row[3] is not None]
    return Page(Entries(_entry(row) for row in found), last_seq, ending_seq, read_at)


def heads_of(run_ids: Sequence[UUID]) -> tuple[datetime, dict[UUID, int]]:
    """The database's time, and how far the log of each run goes that there still is."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT clock_timestamp(), run.id, run.last_seq"
            " FROM unnest(%s::uuid[]) AS asked (run_id) LEFT JOIN runs_run run ON run.id = asked.run_id",
            [list(run_ids)],
        )
        rows = cursor.fetchall()
    return rows[0][0], {run_id: last_seq for _, run_id, last_seq in rows if run_id is not None}


def _entry(row: EventText) -> LogEntry:
    return LogEntry(row.type, Frame("canonical_event", orjson.dumps(event_document(row)), row.seq))
