from typing import Any

import pytest
from django.conf import LazySettings
from django.test import AsyncClient, Client

KEY = "alice-secret-0001"


@pytest.fixture(autouse=True)
def _one_key(settings: LazySettings) -> None:
    settings.ROOT_URLCONF = "tests.integration.config.routes"
    settings.AUTH_API_KEYS = [f"alice={KEY}"]
    settings.CORS_ORIGIN = ["https://console.example"]


@pytest.fixture
def client() -> Client:
    """A stranger; an exception of a view becomes an answer, as on a server."""
    return Client(raise_request_exception=False)


@pytest.fixture
def alice() -> Client:
    """A caller with a key."""
    return Client(raise_request_exception=False, headers={"Authorization": f"Bearer {KEY}"})


@pytest.fixture
def async_client() -> AsyncClient:
    """A stranger in front of the asynchronous chain."""
    return AsyncClient(raise_request_exception=False)


def shape(response: Any) -> tuple[int, str]:
    """Status and code of an error, after checking that it has the one shape."""
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert set(body) - {"details"} == {"statusCode", "error", "errorCode", "message", "requestId"}
    assert body["statusCode"] == response.status_code
    assert body["requestId"] == response["X-Request-Id"]
    assert "canary" not in response.content.decode()
    return response.status_code, body["errorCode"]
