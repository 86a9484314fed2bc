"""Many statements that must all see the same moment, on a database that others write to."""

import contextlib
from collections.abc import Iterator

from django.db import connection, transaction


@contextlib.contextmanager
def snapshot() -> Iterator[None]:
    """Everything that is read inside is of one moment; nothing is locked, and nothing can be written.

    Inside a transaction that somebody else began, its own rules stay: a snapshot cannot be had half-way.
    """
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            # A reader that holds no lock stands in nobody's way, however long the log is.
            cursor.execute("SET LOCAL statement_timeout = 0")
            # Worth it for one large question, not for many small ones that look large to the planner.
            cursor.execute("SET LOCAL jit = off")
        yield
