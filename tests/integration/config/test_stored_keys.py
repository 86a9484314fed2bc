"""Keys in the database: found by hash, with their project and scopes, and revoked within seconds."""

from dataclasses import dataclass

import pytest
from django.test import Client

from config.http import keys, stream_authentication
from config.http.keys import principal_of_key
from config.http.stream_authentication import reauthenticate
from config.remembered import RememberedEach
from runs.errors import Unauthenticated
from runs.models.identity import uuid7
from tests.integration.config.conftest import shape
from tests.keys import stored_key

pytestmark = pytest.mark.django_db


@dataclass
class Time:
    """The clock by which keys are remembered."""

    now: float = 100.0


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    for place, name in ((keys, "stored_by_digest"), (stream_authentication, "stored_by_id")):
        find = getattr(place, name)._find
        remembered = RememberedEach(find, seconds=keys.REMEMBER_S, at_most=10, clock=lambda: time.now)
        monkeypatch.setattr(place, name, remembered)
    return time


def test_a_stored_key_lets_its_owner_in_with_what_the_row_says() -> None:
    project_id = uuid7()
    key = stored_key("runs:read", "runs:write", project_id=project_id)
    principal = principal_of_key(key.header)
    assert (principal.id, principal.name, principal.kind) == (f"key:{key.id}", "robot", "api_key")
    assert (principal.project_id, principal.scopes) == (project_id, {"runs:read", "runs:write"})
    assert key.secret not in repr(principal)


def test_a_stored_key_opens_the_routes_of_its_scopes(client: Client) -> None:
    headers = {"Authorization": stored_key("runs:read").header}
    assert client.get("/echo", headers=headers).status_code == 200
    assert shape(client.post("/echo", {}, content_type="application/json", headers=headers)) == (403, "FORBIDDEN")


@pytest.mark.parametrize("spoil", ["revoke", "expire"])
def test_a_key_that_is_valid_no_more_lets_nobody_in(spoil: str) -> None:
    key = stored_key()
    getattr(key, spoil)()
    with pytest.raises(Unauthenticated, match=r"^Invalid authorization token$"):
        principal_of_key(key.header)
    with pytest.raises(Unauthenticated):
        reauthenticate(f"key:{key.id}")


def test_a_revoked_key_is_refused_after_five_seconds_and_asked_for_once_until_then(
    time: Time, django_assert_num_queries: object
) -> None:
    key = stored_key()
    credential = principal_of_key(key.header).credential
    reauthenticate(credential)
    key.revoke()
    time.now += 4.9
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert principal_of_key(key.header) == reauthenticate(credential)
    time.now += 0.1
    with pytest.raises(Unauthenticated):
        principal_of_key(key.header)
    with pytest.raises(Unauthenticated):
        reauthenticate(credential)


def test_a_configured_key_needs_no_look_up(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert principal_of_key("Bearer alice-secret-0001").name == "alice"
