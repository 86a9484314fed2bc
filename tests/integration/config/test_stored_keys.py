"""Keys in the database: found by hash, with their project and scopes, and revoked within seconds."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test import Client
from pytest_django.fixtures import Settings

from config.http import keys, stream_authentication
from config.http.keys import principal_of_key
from config.http.stream_authentication import reauthenticate
from config.remembered import RememberedEach
from runs.errors import Unauthenticated
from runs.models import ApiKey
from runs.models.api_key import USE_NOTED_EVERY_S
from runs.models.identity import uuid7
from tests.integration.config.conftest import shape
from tests.keys import StoredKey, stored_key
from tests.service import database_url

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


@pytest.mark.parametrize("spoil", [lambda text: text[:-1], lambda text: text + "0", lambda text: text.swapcase()])
def test_a_key_that_was_mistyped_is_refused_without_a_look_up(
    spoil: Callable[[str], str], django_assert_num_queries: object
) -> None:
    key = stored_key()
    with django_assert_num_queries(0), pytest.raises(Unauthenticated, match=r"^Invalid authorization token$"):  # type: ignore[operator]
        principal_of_key(f"Bearer {spoil(key.secret)}")


def test_a_key_of_another_environment_lets_nobody_in(settings: Settings) -> None:
    key = stored_key()
    settings.PRODUCTION = True
    with pytest.raises(Unauthenticated):
        principal_of_key(key.header)


def last_use(key: StoredKey) -> datetime | None:
    return ApiKey.objects.values_list("last_used_at", flat=True).get(id=key.id)


def test_when_a_key_was_used_is_written_once_a_minute(time: Time, django_assert_num_queries: object) -> None:
    key = stored_key()
    assert last_use(key) is None
    principal_of_key(key.header)
    first = last_use(key)
    assert first is not None
    # It should cost the look-up alone as long as what is stored is young enough ...
    time.now += 5
    with django_assert_num_queries(1):  # type: ignore[operator]
        principal_of_key(key.header)
    assert last_use(key) == first
    # ... and be written again afterwards.
    ApiKey.objects.filter(id=key.id).update(last_used_at=Now() - timedelta(seconds=USE_NOTED_EVERY_S))
    time.now += 5
    principal_of_key(key.header)
    assert (last_use(key) or first) > first


@pytest.mark.django_db(transaction=True)
def test_a_key_lets_in_though_its_use_cannot_be_noted(caplog: pytest.LogCaptureFixture) -> None:
    key = stored_key()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        assert principal_of_key(key.header).name == "robot"
    assert "the last use of an API key could not be noted" in caplog.text
    assert key.secret not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_whoever_changes_a_key_at_this_moment_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    key = stored_key()
    with psycopg.connect(database_url()) as other:
        other.execute("SELECT 1 FROM runs_apikey WHERE id = %s FOR UPDATE", [key.id])
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
            try:
                assert principal_of_key(key.header).name == "robot"
            finally:
                cursor.execute("RESET lock_timeout")
    assert (last_use(key), caplog.records) == (None, [])


def test_a_configured_key_needs_no_look_up(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert principal_of_key("Bearer alice-secret-0001").name == "alice"
