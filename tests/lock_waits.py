"""Who waits for a lock in the database of this test: the workers of one test session share a server."""

import psycopg

from tests.service import database_url


def waiting_for_locks() -> list[int]:
    """The server's processes that wait, as they are at this moment, also when asked within a transaction."""
    with psycopg.connect(database_url(), autocommit=True) as elsewhere:
        # A lock on a transaction belongs to no database, so the one of its holder decides.
        waits = elsewhere.execute(
            "SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()"
        )
        return [pid for (pid,) in waits.fetchall()]
