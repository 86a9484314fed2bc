"""Counting many runs in the database: what every dashboard statement shares."""

import contextlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection

from insights.window import Window
from runs.queries.snapshot import snapshot

Row = TypeVar("Row", bound=tuple[Any, ...])

LONGEST_S = (
    15  # for one statement: a window of years over millions of runs is refused before it stands in everybody's way
)
_NEEDED = ("id", "status", "created_at", "ended_at", "error_code", "source_ref")


@contextlib.contextmanager
def one_moment() -> Iterator[None]:
    """All that is counted inside is of the same moment, and takes no statement longer than `LONGEST_S`."""
    with snapshot(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{LONGEST_S}s'")
        # Sorting a hundred thousand durations needs some megabytes; on the disk it takes twice as long.
        cursor.execute("SET LOCAL work_mem = '32MB'")
        yield


def counted(kind: type[Row], project_id: UUID, window: Window, question: str, *values: Any) -> list[Row]:
    """The answer to `question`, which may ask of `picked`: the runs of the window, with what `runs_newest_first` holds."""
    picked, parameters = window.runs(project_id).values(*_NEEDED).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"WITH picked AS ({picked}) {question}", [*parameters, *values])
        return [kind(*row) for row in cursor.fetchall()]


def database_now() -> datetime:
    """The time by which runs are dated."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now
