import pytest
from django.conf import LazySettings
from django.test import Client

from tests.integration.config.conftest import KEY, shape


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
def test_metrics_are_public_unless_closed(headers: dict[str, str], client: Client) -> None:
    response = client.get("/metrics", headers=headers)
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain")
    assert b"# HELP " in response.content


def test_closed_metrics_need_a_key(client: Client, settings: LazySettings) -> None:
    settings.METRICS_REQUIRE_KEY = True
    assert shape(client.get("/metrics")) == (401, "UNAUTHENTICATED")
    assert client.get("/metrics", headers={"Authorization": KEY}).status_code == 200
