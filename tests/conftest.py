"""What every test may ask for, and what every one of them must leave behind."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests import redis_process
from tests.invariants import assert_invariants

pytest_plugins = [
    "tests.database",
    "tests.emptied",
    "tests.quick_passwords",
    "tests.own_database",
    "tests.caller",
    "tests.puppet",
    "tests.offering",
]

HANDMADE = "handmade_rows"

# How fast examples are made says something of the machine, not of the code.
settings.register_profile("suite", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def rows_of_the_test(request: pytest.FixtureRequest) -> None:
    """The database, before whatever else a test asks for, so that its rows are still there when all of that is gone."""
    marker = request.node.get_closest_marker("django_db")
    if marker is not None:
        request.getfixturevalue("transactional_db" if marker.kwargs.get("transaction") else "db")


@pytest.fixture
def outbox_is_read() -> bool:
    """True where a fan-out may take entries out of the outbox; tests of webhooks say so (tests/integration/webhooks)."""
    return False


@pytest.fixture(autouse=True)
def kept_invariants(request: pytest.FixtureRequest, rows_of_the_test: None, outbox_is_read: bool) -> Iterator[None]:
    """Whatever a test did to its rows, the invariants hold of them: checked before they are rolled back or emptied.

    A test that writes rows which no code of ours would write says so, with the reason: `handmade_rows("why")`.
    """
    yield
    if request.node.get_closest_marker("django_db") is None:
        return
    handmade = request.node.get_closest_marker(HANDMADE)
    if handmade is None:
        assert_invariants(outbox_is_read=outbox_is_read)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Nobody opts out of the invariants without a reason, or out of the tests with Redis where it is required."""
    for item in items:
        if item.get_closest_marker("redis_server") and redis_process.binary() is None and not redis_process.REQUIRED:
            item.add_marker(pytest.mark.skip(reason=redis_process.MISSING))
        for marker in item.iter_markers(HANDMADE):
            if not (len(marker.args) == 1 and isinstance(marker.args[0], str) and marker.args[0].strip()):
                raise pytest.UsageError(f"{item.nodeid}: {HANDMADE} needs its reason, as text")
