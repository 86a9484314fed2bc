"""What every test may ask for, and what holds after every one."""

from collections.abc import Iterator

import pytest

from runs.models import Project
from runs.models.project import DEFAULT_PROJECT_ID
from tests.invariants import assert_invariants

pytest_plugins = ["tests.database", "tests.caller", "tests.puppet"]


@pytest.fixture(autouse=True)
def default_project(request: pytest.FixtureRequest) -> None:
    """The project that the first migration made is there again after a test that emptied every table."""
    marker = request.node.get_closest_marker("django_db")
    if marker is not None:
        request.getfixturevalue("transactional_db" if marker.kwargs.get("transaction") else "db")
        Project.objects.get_or_create(id=DEFAULT_PROJECT_ID, defaults={"name": "Default", "slug": "default"})


@pytest.fixture(autouse=True)
def invariants(request: pytest.FixtureRequest, default_project: None) -> Iterator[None]:
    """Whatever a test did to runs, they keep the invariants; one that writes rows by hand says so (`handmade_rows`)."""
    yield
    has_rows = request.node.get_closest_marker("django_db") is not None
    if has_rows and request.node.get_closest_marker("handmade_rows") is None:
        assert_invariants()
