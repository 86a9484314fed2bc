import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import connection
from django.db.models.functions import Now
from django.test import AsyncClient, Client
from pytest_django import DjangoDbBlocker

from config import health
from runs.errors import RuntimeUnavailable
from runs.models import BreakerChange
from runs.models.observer import Observer
from tests.offering import Shelf, fresh_calls


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    health.missing_migrations.forget()
    with fresh_calls():
        yield
    health.missing_migrations.forget()


@pytest.fixture
def no_database(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A database address where nobody listens."""
    before = dict(connection.settings_dict)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with django_db_blocker.unblock():
        connection.close()
        connection.settings_dict.update(HOST="127.0.0.1", PORT=str(port))
        yield
        connection.close()
        connection.settings_dict.update(before)


async def test_a_living_process_says_so_and_touches_nothing_else_c24(async_client: AsyncClient) -> None:
    response = await async_client.get("/healthz")
    assert response.status_code == 200
    assert response.json() == {"ok": True, "service": "signalbox", "status": "ok"}


@pytest.mark.usefixtures("no_database")
def test_without_a_database_the_service_is_unavailable_c24(client: Client, settings: LazySettings) -> None:
    settings.RUNTIME_KIND = "scripted"
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {
        "ok": False,
        "service": "signalbox",
        "status": "unavailable",
        "database": "unhealthy",
        "runtime": {"ok": True, "runtimeKind": "scripted"},
        "streamConsumer": "unhealthy",
        "circuitBreaker": "CLOSED",
    }


@pytest.mark.django_db
def test_without_an_observer_the_service_is_degraded_and_serves(client: Client) -> None:
    response = client.get("/readyz")
    body = response.json()
    assert response.status_code == 200
    assert (body["ok"], body["status"], body["database"], body["streamConsumer"]) == (
        False,
        "degraded",
        "ok",
        "unhealthy",
    )


@pytest.mark.django_db
def test_with_a_beating_observer_everything_is_well(client: Client, settings: LazySettings) -> None:
    settings.RUNTIME_KIND = "scripted"
    Observer.objects.create(host="host", process_id=1, version="1")
    response = client.get("/readyz")
    assert response.status_code == 200
    assert (response.json()["ok"], response.json()["status"], response.json()["streamConsumer"]) == (True, "ok", "ok")


@pytest.mark.django_db
def test_an_observer_that_is_lost_or_silent_for_a_lease_does_not_beat(client: Client) -> None:
    Observer.objects.create(host="lost", process_id=1, version="1", lost_at=Now())
    silent = Now() - timedelta(seconds=31)
    Observer.objects.create(host="silent", process_id=2, version="1", beat_at=silent)
    assert client.get("/readyz").json()["streamConsumer"] == "unhealthy"


@pytest.mark.django_db
def test_a_runtime_that_is_away_degrades_the_service_only_c24(client: Client, settings: LazySettings) -> None:
    Observer.objects.create(host="host", process_id=1, version="1")
    settings.RUNTIME_KIND, settings.RUNTIME_ADDRESS = "macp", "127.0.0.1:1"
    response = client.get("/readyz")
    assert (response.status_code, response.json()["ok"], response.json()["status"]) == (200, False, "degraded")
    # It should name no address to whoever asks.
    assert response.json()["runtime"] == {
        "ok": False,
        "runtimeKind": "macp",
        "detail": "The runtime cannot be reached.",
    }


@pytest.mark.django_db
def test_a_runtime_without_an_address_is_not_there(client: Client, settings: LazySettings) -> None:
    settings.RUNTIME_KIND, settings.RUNTIME_ADDRESS = "macp", ""
    assert client.get("/readyz").json()["runtime"] == {
        "ok": False,
        "runtimeKind": "macp",
        "detail": "there is no runtime: RUNTIME_ADDRESS is not set",
    }


@pytest.mark.django_db
def test_a_runtime_that_takes_the_connection_and_stays_silent_is_not_there(
    client: Client, settings: LazySettings
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.RUNTIME_KIND, settings.RUNTIME_ADDRESS = "macp", f"127.0.0.1:{silent.getsockname()[1]}"
        settings.RUNTIME_ALLOW_INSECURE = True
        assert client.get("/readyz").json()["runtime"]["ok"] is False


@pytest.mark.django_db
@pytest.mark.parametrize(("state", "status"), [("CLOSED", "ok"), ("HALF_OPEN", "ok"), ("OPEN", "degraded")])
def test_the_breaker_of_an_observer_degrades_the_service_while_it_is_open(
    client: Client, settings: LazySettings, state: str, status: str
) -> None:
    settings.RUNTIME_KIND = "scripted"
    observer = Observer.objects.create(host="host", process_id=1, version="1")
    BreakerChange.objects.create(kind="scripted", state="OPEN", observer_id=observer.id)
    BreakerChange.objects.create(kind="scripted", state=state, observer_id=observer.id)
    response = client.get("/readyz")
    assert (response.status_code, response.json()["circuitBreaker"], response.json()["status"]) == (200, state, status)


@pytest.mark.django_db
def test_a_probe_of_the_runtime_is_as_old_as_five_seconds_and_no_older(shelf: Shelf, client: Client) -> None:
    shelf.fault = RuntimeUnavailable()
    assert client.get("/readyz").json()["runtime"]["ok"] is False
    shelf.fault = None
    assert client.get("/readyz").json()["runtime"]["ok"] is False
    assert shelf.asked == 1


@pytest.mark.django_db
def test_a_database_without_its_migrations_is_unavailable(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert (response.json()["status"], response.json()["database"]) == ("unavailable", "ok")
