import threading

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, AsyncRequestFactory, Client
from django.utils.module_loading import import_string

from tests.integration.config.conftest import KEY, shape


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


def test_a_call_with_a_key_has_no_session_and_no_messages(alice: Client) -> None:
    assert alice.get("/seen").json() == {"session": False, "_messages": False, "who": "alice"}


@pytest.mark.django_db
def test_with_a_key_nobody_looks_at_the_session_that_came_with_it(alice: Client) -> None:
    alice.force_login(User.objects.create_user("bob", is_staff=True))
    assert alice.get("/seen").json()["who"] == "alice"
    assert shape(alice.get("/seen", headers={"Authorization": "Bearer wrong"})) == (401, "UNAUTHENTICATED")


@pytest.mark.django_db
def test_a_member_of_staff_has_both(client: Client) -> None:
    client.force_login(User.objects.create_superuser("bob"))
    assert client.get("/seen").json() == {"session": True, "_messages": True, "who": "bob"}


async def test_an_asynchronous_server_leaves_them_out_too(async_client: AsyncClient) -> None:
    response = await async_client.get("/seen", headers={"Authorization": KEY})
    assert response.json() == {"session": False, "_messages": False, "who": "alice"}


@pytest.mark.django_db
def test_a_page_has_its_session_whatever_a_proxy_says_of_who_asks(alice: Client) -> None:
    assert alice.get("/visit").content == b"1 []"
    assert alice.get("/visit").content == b"2 ['visit 1']"
