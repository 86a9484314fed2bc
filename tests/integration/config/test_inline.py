import threading

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, AsyncRequestFactory, Client
from django.utils.module_loading import import_string

from tests.integration.config.conftest import shape


async def test_a_whole_request_stays_in_one_thread() -> None:
    factory, threads = AsyncRequestFactory(), []

    class Watched(HttpResponse):
        """Notes in which thread a middleware touches it."""

        def __setitem__(self, name: str, value: str) -> None:
            threads.append(threading.get_ident())
            super().__setitem__(name, value)

    async def view(request: HttpRequest) -> HttpResponse:
        threads.append(threading.get_ident())
        return Watched("")

    chain = view
    for name in reversed(settings.MIDDLEWARE):
        chain = import_string(name)(chain)
    response = await chain(factory.get("/echo"))

    assert {"X-Request-Id", "X-Frame-Options", "X-Content-Type-Options"} <= set(response.headers)
    assert set(threads) == {threading.get_ident()}


async def test_an_asynchronous_server_asks_for_the_csrf_token_too() -> None:
    careful = AsyncClient(enforce_csrf_checks=True)
    assert shape(await careful.post("/form", {"a": "1"})) == (403, "FORBIDDEN")


@pytest.mark.django_db(transaction=True)
async def test_sessions_and_messages_are_stored_by_an_asynchronous_server(async_client: AsyncClient) -> None:
    assert (await async_client.get("/visit")).content == b"1 []"
    assert (await async_client.get("/visit")).content == b"2 ['visit 1']"
    # The views ran in a thread whose connection would outlive the test database.
    await sync_to_async(connections.close_all)()


@pytest.mark.django_db
def test_sessions_and_messages_are_stored_by_a_synchronous_server(client: Client) -> None:
    assert client.get("/visit").content == b"1 []"
    assert client.get("/visit").content == b"2 ['visit 1']"
