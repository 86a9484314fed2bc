"""The clock of webhooks: every time in their rows is the database's. Whoever simulates days passes another one."""

from collections.abc import Callable
from datetime import datetime

from django.db import connection

Clock = Callable[[], datetime]


def database_clock() -> datetime:
    """What the database says the time is, at this very moment, also within a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]  # type: ignore[no-any-return]
