"""Reads of a run's two logs for whoever takes them whole: a page holds so many rows, and not much more than so many bytes."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from runs.domain.documents import EventRow, RawRow

PAGE_ROWS = 256
PAGE_BYTES = 1 << 20  # of data; a page ends with the row that reaches them, so that it never stands still


# Both logs are numbered without gaps: with two ends no plan reads more than the page (see runs/streaming/log.py).
def _page_of(table: str, columns: Sequence[str], data: str) -> str:
    names = ", ".join(columns)
    return f"""
SELECT {names} FROM (
       SELECT {names}, sum(octet_length({data})) OVER (ORDER BY seq) - octet_length({data}) AS bytes_before
         FROM (SELECT {names} FROM {table}
                WHERE run_id = %s AND seq > %s AND seq <= %s ORDER BY seq) AS row
  ) AS page
 WHERE bytes_before < {PAGE_BYTES} ORDER BY seq
"""  # noqa: S608 - our own names


_EVENTS = _page_of("runs_event", EventRow._fields, "data")
_RAW = _page_of("runs_rawobservation", RawRow._fields, "body")


def event_page(run_id: UUID, after: int) -> list[EventRow]:
    """The next events of a run after seq `after`, in order."""
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS, [run_id, after, after + PAGE_ROWS])
        return [EventRow._make(row) for row in cursor.fetchall()]


def raw_page(run_id: UUID, after: int) -> list[RawRow]:
    """The next raw observations of a run after raw number `after`, in order."""
    with connection.cursor() as cursor:
        cursor.execute(_RAW, [run_id, after, after + PAGE_ROWS])
        return [RawRow._make(row) for row in cursor.fetchall()]
