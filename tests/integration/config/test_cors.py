import pytest
from django.test import AsyncClient, Client

from tests.integration.config.conftest import shape

CONSOLE = "https://console.example"


def preflight(client: Client, origin: str) -> dict[str, str]:
    response = client.options("/echo", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
    assert (response.status_code, response.content) == (204, b"")
    return {name: value for name, value in response.items() if name.startswith("Access-Control")}


def test_an_allowed_origin_may_ask_with_credentials(client: Client) -> None:
    allowed = preflight(client, CONSOLE)
    assert allowed["Access-Control-Allow-Origin"] == CONSOLE
    assert allowed["Access-Control-Allow-Credentials"] == "true"
    assert "POST" in allowed["Access-Control-Allow-Methods"]
    assert "Authorization" in allowed["Access-Control-Allow-Headers"]


@pytest.mark.parametrize("origin", ["https://evil.example", "https://console.example.evil.example", "null", ""])
def test_no_other_origin_gets_any_permission(origin: str, client: Client) -> None:
    assert preflight(client, origin) == {}
    assert "Access-Control-Allow-Origin" not in client.get("/healthz", headers={"Origin": origin})


def test_an_allowed_origin_may_read_errors_and_the_request_id(client: Client) -> None:
    response = client.get("/echo", headers={"Origin": CONSOLE})
    assert shape(response) == (401, "UNAUTHENTICATED")
    assert response["Access-Control-Allow-Origin"] == CONSOLE
    assert "X-Request-Id" in response["Access-Control-Expose-Headers"]


def test_caches_keep_origins_apart_even_where_nothing_was_allowed(client: Client) -> None:
    assert "Origin" in client.get("/healthz")["Vary"]


async def test_streams_are_marked_too(async_client: AsyncClient) -> None:
    response = await async_client.get("/stream", headers={"Origin": CONSOLE})
    assert response["Access-Control-Allow-Origin"] == CONSOLE


def test_a_plain_options_request_is_no_preflight(client: Client) -> None:
    assert shape(client.options("/echo", headers={"Origin": CONSOLE})) == (401, "UNAUTHENTICATED")
