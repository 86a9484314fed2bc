"""Who may ask what: deny by default, on every route and method there is."""

import re
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from runs.domain.scopes import SCOPES
from tests.keys import StoredKey, stored_key
from tests.routes import METHODS, PUBLIC, UNSAFE, Call, Route, all_routes, calls, each, guarded_routes

pytestmark = pytest.mark.django_db

# The contract, first match wins: which scope opens what. It stands here once more, so that a slip in a view is a
# failure, not a new rule.
CONTRACT = [
    (r"POST /runs/(validate|compare|batch/export)", "runs:read"),
    (r"POST /runs/\{\}/replay", "runs:read"),
    (r"POST /stream-tickets", "runs:read"),
    (r"\w+ /webhooks.*", "webhooks:manage"),
    (r"(POST|PUT|PATCH|DELETE) /runtime/policies.*", "policies:manage"),
    (r"GET /(audit|admin/.*)", "admin:read"),
    (r"\w+ /admin/.*", "admin:write"),
    (r"POST /runs/(\{\}/(cancel|suspend|resume)|batch/cancel)", "runs:cancel"),
    (r"DELETE /runs/\{\}|POST /runs/batch/delete", "runs:delete"),
    (r"POST /runs/\{\}/(messages|signal|context)", "signals:write"),
    (r"GET .*", "runs:read"),
    (r"\w+ /runs.*", "runs:write"),
]


@pytest.fixture
def stranger() -> Client:
    return Client(raise_request_exception=False)


def asked(client: Client, call: Call, key: StoredKey | str | None = None, method: str | None = None) -> Any:
    authorization = key.header if isinstance(key, StoredKey) else key
    headers = {} if authorization is None else {"Authorization": authorization}
    return client.generic(
        method or call.method, call.route.address(), "{}", content_type="application/json", headers=headers
    )


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["errorCode"]


def test_the_walk_finds_what_there_is() -> None:
    found = {str(call) for call in calls()}
    assert {"POST /runs", "GET /runs", "POST /runs/{}/cancel", "GET /runs/{}/stream", "GET /runs/{}/agui"} <= found
    assert {route.path for route in all_routes()} >= PUBLIC


@pytest.mark.parametrize("route", guarded_routes(), ids=str)
def test_every_route_names_a_scope_for_each_of_its_methods(route: Route) -> None:
    """A plain view says so by `stream_route`, a view of the REST framework by `scopes` or `scope`."""
    assert route.methods, f"{route} names no scope"
    for method in route.methods:
        assert route.scope(method) in SCOPES, f"{method} {route} names no scope"


@pytest.mark.parametrize("call", calls(), ids=str)
def test_the_scope_is_that_of_the_contract(call: Call) -> None:
    expected = next(scope for pattern, scope in CONTRACT if re.fullmatch(pattern, str(call)))
    assert call.route.scope(call.method) == expected


@pytest.mark.parametrize("call", each(calls()))
def test_strangers_are_asked_who_they_are(call: Call, stranger: Client) -> None:
    revoked, expired = stored_key(*SCOPES), stored_key(*SCOPES)
    revoked.revoke()
    expired.expire()
    for key in (None, "", "Bearer ", "Bearer wrong", "Basic eDp5", revoked, expired):
        response = asked(stranger, call, key)
        assert code(response) == (401, "UNAUTHENTICATED"), key
        assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("call", each(calls()))
def test_its_scope_opens_a_route_and_all_others_together_do_not(call: Call, stranger: Client) -> None:
    scope = call.route.scope(call.method)
    assert scope is not None
    refused = asked(stranger, call, stored_key(*(other for other in SCOPES if other != scope)))
    assert code(refused) == (403, "FORBIDDEN")
    assert refused.json()["details"] == {"scope": scope}
    for other in SCOPES:
        if other != scope:
            assert asked(stranger, call, stored_key(other)).status_code == 403, other

    # It should be judged by what it asks for now: the run is unknown, the body empty.
    assert asked(stranger, call, stored_key(scope)).status_code not in {401, 403}


@pytest.mark.parametrize("route", guarded_routes(), ids=str)
def test_a_method_that_a_route_does_not_have_is_told_to_callers_with_those_it_has(
    route: Route, stranger: Client
) -> None:
    everything = stored_key(*SCOPES)
    for method in METHODS:
        if method in route.methods or (method == "HEAD" and "GET" in route.methods):
            continue
        refused = asked(stranger, Call(route, method), everything)
        assert refused.status_code == 405, method
        assert set(route.methods) <= set(refused["Allow"].replace(" ", "").split(","))


def test_a_key_that_only_reads_changes_nothing_d05(stranger: Client) -> None:
    readers = {str(call) for call in calls() if call.method in UNSAFE and call.route.scope(call.method) == "runs:read"}
    assert readers <= {
        "POST /runs/validate",
        "POST /runs/compare",
        "POST /runs/batch/export",
        "POST /runs/{}/replay",
        "POST /stream-tickets",
    }


@pytest.mark.parametrize("call", calls(), ids=str)
def test_pages_of_allowed_origins_may_ask_every_route_and_no_others(
    call: Call, stranger: Client, settings: Settings
) -> None:
    settings.CORS_ORIGIN = ["https://console.example"]
    wanted = {"Access-Control-Request-Method": call.method, "Access-Control-Request-Headers": "authorization"}
    allowed = stranger.options(call.route.address(), headers={"Origin": "https://console.example", **wanted})
    assert (allowed.status_code, allowed["Access-Control-Allow-Origin"]) == (204, "https://console.example")
    assert allowed["Access-Control-Allow-Credentials"] == "true"
    assert call.method in allowed["Access-Control-Allow-Methods"].split(", ")
    foreign = stranger.options(call.route.address(), headers={"Origin": "https://evil.example", **wanted})
    assert [name for name in foreign.headers if name.startswith("Access-Control")] == []
