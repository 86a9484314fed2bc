"""No cache keeps what only its caller may see, unless the answer says that it may."""

import pytest
from django.test import AsyncClient, Client


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/echo", "/unscoped", "/nowhere", "/fail", "/plain/run", "/docs-json"])
def test_no_cache_keeps_an_answer_that_does_not_speak_of_it(path: str, alice: Client) -> None:
    assert alice.get(path)["Cache-Control"] == "no-store"


async def test_nor_one_of_an_asynchronous_server(async_client: AsyncClient) -> None:
    assert (await async_client.get("/stream"))["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_what_an_answer_says_itself_stays(client: Client) -> None:
    assert "max-age=0" in client.get("/admin/login/")["Cache-Control"]


async def test_a_static_file_may_be_kept(async_client: AsyncClient) -> None:
    response = await async_client.get("/static/admin/css/base.css")
    assert response.status_code == 200
    assert "no-store" not in response.get("Cache-Control", "")
