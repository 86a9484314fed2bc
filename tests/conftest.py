"""What every test may ask for."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

import pytest
from django.db import connection

from runs.models import Project
from runs.models.project import DEFAULT_PROJECT_ID

pytest_plugins = ["tests.database", "tests.caller"]


class Blocker(Protocol):
    """What pytest-django keeps the database shut with."""

    def unblock(self) -> AbstractContextManager[None]: ...


@pytest.fixture(scope="session")
def no_sessions_left(django_db_setup: None, django_db_blocker: Blocker) -> Iterator[None]:
    """The connections that a process keeps for its nudges and threads are cut before its test database is dropped."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(autouse=True)
def default_project(request: pytest.FixtureRequest) -> None:
    """The project that the first migration made is there again after a test that emptied every table."""
    marker = request.node.get_closest_marker("django_db")
    if marker is not None:
        request.getfixturevalue("no_sessions_left")
        request.getfixturevalue("transactional_db" if marker.kwargs.get("transaction") else "db")
        Project.objects.get_or_create(id=DEFAULT_PROJECT_ID, defaults={"name": "Default", "slug": "default"})
