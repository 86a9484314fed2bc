"""Appending many rows at once: COPY for a batch, one multi-row INSERT for a handful (COPY costs two more round trips)."""

from collections.abc import Sequence
from typing import cast

from django.db import connection

HANDFUL = 6


def append_rows(table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """All `rows` are in `table`, or none and an error. Names come from our own models, never from a request."""
    if not rows:
        return
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        if len(rows) > HANDFUL:
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            one = "(" + ", ".join(["%s"] * len(columns)) + ")"
            cursor.execute(
                f"INSERT INTO {table} ({names}) VALUES {', '.join([one] * len(rows))}",  # noqa: S608 - our own names
                cast("list[str]", [value for row in rows for value in row]),
            )
