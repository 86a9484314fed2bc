"""The addresses of insights: none is shadowed by another or by those of runs, and each says who may call it (A07, D05)."""

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, resolve
from pytest_django.fixtures import Settings

from insights.api.urls import urlpatterns
from runs.api.urls import urlpatterns as of_runs

PATTERNS = [pattern for pattern in urlpatterns if isinstance(pattern, URLPattern)]
OF_RUNS = [pattern for pattern in of_runs if isinstance(pattern, URLPattern)]


def address(pattern: URLPattern) -> str:
    return "/" + str(pattern.pattern).replace("<str:run_id>", str(uuid4()))


@pytest.mark.parametrize("pattern", [*PATTERNS, *OF_RUNS], ids=str)
def test_every_route_is_reached_by_its_own_address(pattern: URLPattern) -> None:
    assert resolve(address(pattern)).func is pattern.callback
    assert not str(pattern.pattern).endswith("/")


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_nobody_enters_without_a_key(client: Client, settings: Settings, pattern: URLPattern) -> None:
    settings.AUTH_API_KEYS = []

    for response in (client.get(address(pattern)), client.post(address(pattern), {}, content_type="application/json")):
        assert response.status_code == 401


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_every_route_needs_the_scope_to_read_runs_and_no_other(pattern: URLPattern) -> None:
    view = pattern.callback.cls  # type: ignore[attr-defined]

    assert set(view.scopes.values()) == {"runs:read"}


def test_the_description_of_the_routes_names_what_a_query_may_hold(client: Client) -> None:
    paths = client.get("/docs-json?format=json").json()["paths"]
    named = {
        address: {parameter["name"] for parameter in paths[address]["get"]["parameters"] if parameter["in"] == "query"}
        for address in ("/dashboard/overview", "/dashboard/agents/metrics", "/runs/{run_id}/export")
    }

    window = {"window", "range", "from", "to", "environment", "scenarioRef"}
    assert named["/dashboard/overview"] == named["/dashboard/agents/metrics"] == window
    assert named["/runs/{run_id}/export"] == {"includeCanonical", "includeRaw", "eventLimit", "format"}
