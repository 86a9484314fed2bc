"""The session of one test serves the next one: it knows the tables already, and is otherwise as good as a new one."""

from django.db import Error, connection


class KeptSession:
    """How this process first spoke to the database; a session that was opened otherwise, or has failed, is not kept."""

    def __init__(self) -> None:
        connection.ensure_connection()
        self._opened = connection.connection.info.get_parameters()

    def begins_anew(self) -> bool:
        """Settings, locks, temporary tables and whatever else a test left in its session are gone; False if it must go."""
        if connection.connection is None or connection.errors_occurred:
            return False
        if connection.connection.info.get_parameters() != self._opened:
            return False
        try:
            with connection.cursor() as cursor:
                cursor.execute("DISCARD ALL")  # which is refused in a transaction
        except Error:
            return False
        return True
