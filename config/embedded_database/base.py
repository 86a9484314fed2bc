"""Our PostgreSQL backend, with an answer to "connection refused" for a server that Signalbox runs itself."""

from typing import Any

from django.db.utils import OperationalError

from config.pooled_database import base

HINT = (
    "The embedded PostgreSQL does not answer. Start it with `manage.py up` or `manage.py db start`, "
    "or set DATABASE_URL to a server of your own."
)


class DatabaseWrapper(base.DatabaseWrapper):
    """The PostgreSQL backend; a failure to connect says what to do."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A new connection, or OperationalError with the way out in its text."""
        try:
            return super().get_new_connection(conn_params)
        except self.Database.OperationalError as fault:
            raise OperationalError(f"{fault}\n{HINT}") from fault
