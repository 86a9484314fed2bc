"""An ordinary read costs the statements it reads with, and none for its key, its limit or its figures."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from config.http import throttled
from config.http.throttling import Throttle, _reserve
from tests.cast import running_run
from tests.keys import stored_key

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["", "/state", "/events"])
def test_a_read_with_a_stored_key_is_one_statement(
    path: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: object
) -> None:
    settings.THROTTLE_LIMIT = 1000
    monkeypatch.setattr(throttled, "throttle", Throttle(_reserve))
    address = f"/runs/{running_run().id}{path}"
    client = Client(headers={"Authorization": stored_key("runs:read").header})
    # It should look the key up, note (in a savepoint) that it was used, and reserve a slice once,
    with django_assert_num_queries(6):  # type: ignore[operator]
        assert client.get(address).status_code == 200
    # and then only read what was asked for.
    for _ in range(5):
        with django_assert_num_queries(1):  # type: ignore[operator]
            assert client.get(address).status_code == 200
