import pytest
from django.test import AsyncClient, Client

SHEET = "/static/admin/css/base.css"


async def test_a_static_file_is_served_by_an_asynchronous_server(async_client: AsyncClient) -> None:
    response = await async_client.get(SHEET)
    assert (response.status_code, response["Content-Type"]) == (200, 'text/css; charset="utf-8"')
    assert len(response.content) == int(response["Content-Length"]) > 1000


def test_a_static_file_is_served_by_a_synchronous_server(client: Client) -> None:
    assert client.get(SHEET).status_code == 200


def test_a_part_of_a_file_is_served(client: Client) -> None:
    response = client.get(SHEET, headers={"Range": "bytes=0-9"})
    assert (response.status_code, len(response.content)) == (206, 10)


@pytest.mark.parametrize("path", ["/static/../config/settings.py", "/static/%2e%2e/manage.py"])
def test_nothing_outside_the_static_folders_is_served(path: str, client: Client) -> None:
    assert client.get(path).status_code == 404


def test_the_documentation_needs_no_other_host(client: Client) -> None:
    page = client.get("/docs").content.decode()
    assert "/static/drf_spectacular_sidecar/" in page
    assert "cdn." not in page
    assert client.get("/docs-json").json()["info"]["title"] == "Signalbox"
