"""What a test committed is gone after it, at a price that fits the test."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import TransactionTestCase
from pytest_django.plugin import DjangoDbBlocker

from tests.kept_session import KeptSession
from tests.migrated_rows import MigratedRows


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The migrated database; each test that commits leaves it as it was, with a session as good as new."""
    with django_db_blocker.unblock():
        rows, session = MigratedRows(), KeptSession()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: rows.come_back())
        patch.setattr(TransactionTestCase, "_should_reload_connections", lambda case: not session.begins_anew())
        yield
    with django_db_blocker.unblock():
        _end_other_sessions()


def _end_other_sessions() -> None:
    """Threads that outlive their tests keep sessions open; the database could not be dropped, after a wait of 5 s."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
