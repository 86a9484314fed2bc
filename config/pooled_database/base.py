"""Django's PostgreSQL backend; a connection out of a pool is looked at before it is used, instead of asked.

A question before every request would be half of what a short read does at the database. Nobody has to ask: a server that
ends a session says so, or closes its end, and either can be read; a machine that is gone is noticed by the keepalives,
which close our end. Only what has something to read is asked, for that may be no more than a notice.
"""

import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """The PostgreSQL backend, which uses no connection of its pool that is lost."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection that lives, as far as this machine knows."""
        connection = super().get_new_connection(conn_params)
        # No more can be lost than there are: a server that accepts and ends every session must not keep us here.
        for _ in range(self.pool.max_size if self.pool is not None else 0):
            if not _is_lost(connection):
                break
            connection.close()
            self.pool.putconn(connection)  # the pool makes another one
            connection = super().get_new_connection(conn_params)  # or has us wait for one, up to its timeout
        return connection


def _is_lost(connection: "psycopg.Connection[Any]") -> bool:
    readable = select.poll()
    readable.register(connection.fileno(), select.POLLIN)
    if not readable.poll(0):
        return False
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.Error:
        return True
    return False
