"""What every test may ask for."""

import pytest

from runs.models import Project
from runs.models.project import DEFAULT_PROJECT_ID

pytest_plugins = ["tests.database", "tests.caller", "tests.puppet"]


@pytest.fixture(autouse=True)
def default_project(request: pytest.FixtureRequest) -> None:
    """The project that the first migration made is there again after a test that emptied every table."""
    marker = request.node.get_closest_marker("django_db")
    if marker is not None:
        request.getfixturevalue("transactional_db" if marker.kwargs.get("transaction") else "db")
        Project.objects.get_or_create(id=DEFAULT_PROJECT_ID, defaults={"name": "Default", "slug": "default"})
