"""After a test that committed, the rows are again those that the migrations left; most tests fill few of the tables.

Django would truncate every table and have content types and permissions written anew, which is more work than most tests
do themselves. What a test committed is gone all the same, and whoever still writes is waited for all the same.
"""

from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

# More than this is truncated: deleted rows would stay in the files, in the way of whoever reads there next.
MOST_DELETED_BYTES = 1024 * 1024


class MigratedRows:
    """The rows of every table at the beginning of the session, as text; most tables have none."""

    def __init__(self) -> None:
        self._tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
        self._rows: dict[str, list[str]] = {}
        with connection.cursor() as cursor:
            for table in self._tables:
                if rows := _rows_of(table, cursor):
                    self._rows[table] = rows

    def come_back(self) -> None:
        """Nothing that anybody committed since is left."""
        with transaction.atomic(), connection.cursor() as cursor:
            # As a TRUNCATE would: a transaction that is still on its way ends first, and so do its rows.
            cursor.execute(f"LOCK TABLE {', '.join(map(_quoted, self._tables))} IN ACCESS EXCLUSIVE MODE")
            sizes = self._filled(cursor)
            changed = [table for table, rows in self._rows.items() if _rows_of(table, cursor) != rows]
            if sum(sizes.values()) > MOST_DELETED_BYTES:
                _truncate_all()
                changed = list(self._rows)
            else:
                _delete([*sizes, *changed], cursor)
            for table in changed:
                _insert(self._rows[table], table, cursor)
        if changed:
            ContentType.objects.clear_cache()

    def _filled(self, cursor: CursorWrapper) -> dict[str, int]:
        """The tables with rows among those that had none, and their sizes in bytes."""
        questions = [
            f"SELECT '{table}', pg_relation_size('{_quoted(table)}') WHERE EXISTS (SELECT FROM {_quoted(table)})"
            for table in self._tables
            if table not in self._rows
        ]
        cursor.execute(" UNION ALL ".join(questions))
        return dict(cursor.fetchall())


def _rows_of(table: str, cursor: CursorWrapper) -> list[str]:
    cursor.execute(f"SELECT rows::text FROM {_quoted(table)} AS rows ORDER BY 1")
    return [row for (row,) in cursor.fetchall()]


def _delete(tables: list[str], cursor: CursorWrapper) -> None:
    cursor.execute("SET LOCAL signalbox.prune = 'on'")  # a log may be deleted, by whoever says so
    for table in tables:
        cursor.execute(f"DELETE FROM {_quoted(table)}")


def _truncate_all() -> None:
    call_command("flush", verbosity=0, interactive=False, reset_sequences=False, inhibit_post_migrate=True)


def _insert(rows: list[str], table: str, cursor: CursorWrapper) -> None:
    name = _quoted(table)
    cursor.execute(f"INSERT INTO {name} SELECT (row::{name}).* FROM unnest(%s::text[]) AS row", [rows])


def _quoted(table: str) -> str:
    return connection.ops.quote_name(table)
