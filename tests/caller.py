"""A caller with a key, and what it sees."""

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from tests.bodies import Body, short_body

Post = Callable[..., Body]


@pytest.fixture
def caller(settings: Settings) -> Client:
    """A client whose key has every scope."""
    settings.AUTH_API_KEYS = ["tester=test-key"]
    return Client(headers={"authorization": "Bearer test-key"}, raise_request_exception=False)


@pytest.fixture
def post_run(caller: Client) -> Post:
    """Creates a run by POST /runs and returns the answer."""

    def post(body: Body | None = None, **headers: str) -> Body:
        response = caller.post("/runs", body or short_body(), content_type="application/json", headers=headers)
        assert response.status_code == 201, response.content
        answer: Body = response.json()
        return answer

    return post
