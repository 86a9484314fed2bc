import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from rest_framework.request import Request

from config.http.authentication import StaffSessionAuthentication
from config.http.permissions import HasScope
from config.http.principal import ALL_SCOPES
from runs.errors import Forbidden
from tests.integration.config.conftest import KEY, shape
from tests.integration.config.routes import Echo
from tests.staff import member


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "Missing Authorization header"),
        ({"Authorization": ""}, "Empty authorization token"),
        ({"Authorization": "Bearer "}, "Empty authorization token"),
        ({"Authorization": "Bearer wrong"}, "Invalid authorization token"),
    ],
)
def test_a_stranger_is_told_what_is_wrong_with_the_header(
    headers: dict[str, str], message: str, client: Client
) -> None:
    response = client.get("/echo", headers=headers)
    assert shape(response) == (401, "UNAUTHENTICATED")
    assert response.json()["message"] == message
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", [f"Bearer {KEY}", KEY])
def test_a_key_lets_its_owner_in(header: str, client: Client) -> None:
    response = client.get("/echo", headers={"Authorization": header})
    assert response.status_code == 200
    assert response.json()["id"] == "key:alice"


@pytest.mark.django_db
def test_without_a_configured_key_nobody_enters_d15(alice: Client, settings: LazySettings) -> None:
    settings.AUTH_API_KEYS = []
    assert shape(alice.get("/echo")) == (401, "UNAUTHENTICATED")


def test_a_key_needs_no_csrf_token() -> None:
    careful = Client(enforce_csrf_checks=True, headers={"Authorization": KEY})
    assert careful.post("/echo", {"a": 1}, content_type="application/json").status_code == 201


def test_a_stranger_learns_nothing_of_methods(client: Client) -> None:
    assert shape(client.delete("/echo")) == (401, "UNAUTHENTICATED")


def test_a_route_that_names_no_scope_is_open_to_nobody(alice: Client, client: Client) -> None:
    refused = alice.get("/unscoped")
    assert shape(refused) == (403, "FORBIDDEN")
    assert refused.json()["message"] == "this route is open to nobody: it names no scope"
    assert shape(client.get("/unscoped")) == (401, "UNAUTHENTICATED")


def test_a_route_may_state_its_scope_as_a_permission(alice: Client, client: Client) -> None:
    assert alice.get("/special").status_code == 200
    assert shape(client.get("/special")) == (401, "UNAUTHENTICATED")


def staff_request(method: str = "GET", **headers: str) -> Request:
    http = RequestFactory().generic(method, "/echo", headers=headers)
    http.user = User(pk=7, username="bob", is_staff=True, is_active=True, is_superuser=True)
    return Request(http)


def test_staff_with_a_session_is_a_principal() -> None:
    entered = StaffSessionAuthentication().authenticate(staff_request())
    assert entered is not None
    principal, _ = entered
    assert (principal.id, principal.name, principal.kind, principal.scopes) == ("user:7", "bob", "user", ALL_SCOPES)


def test_a_user_who_is_no_staff_is_a_stranger() -> None:
    request = staff_request()
    request._request.user.is_staff = False
    assert StaffSessionAuthentication().authenticate(request) is None


@pytest.mark.parametrize("origin", ["http://testserver", "https://console.example"])
def test_staff_may_come_from_our_own_or_an_allowed_origin(origin: str) -> None:
    assert StaffSessionAuthentication().authenticate(staff_request(Origin=origin)) is not None


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://testserver", ""])
def test_staff_from_a_foreign_origin_is_refused(origin: str) -> None:
    with pytest.raises(Forbidden) as refused:
        StaffSessionAuthentication().authenticate(staff_request(Origin=origin))
    assert refused.value.details == {"reason": "origin"}


@pytest.mark.django_db
def test_staff_needs_a_csrf_token_to_change_anything() -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(member("bob", "view_run"))
    assert careful.get("/echo").json()["name"] == "bob"
    refused = careful.post("/echo", {"a": 1}, content_type="application/json")
    assert shape(refused) == (403, "FORBIDDEN")
    assert refused.json()["details"] == {"reason": "csrf"}


def test_a_missing_scope_is_named() -> None:
    request = staff_request("POST")
    entered = StaffSessionAuthentication().authenticate(staff_request())
    assert entered is not None
    reader = type(entered[0])(id="key:r", name="r", kind="api_key", scopes=frozenset({"runs:read"}))
    request.user = reader
    with pytest.raises(Forbidden, match="the scope runs:write is missing") as refused:
        HasScope().has_permission(request, Echo())
    assert refused.value.details == {"scope": "runs:write"}


@pytest.mark.parametrize(("method", "allowed"), [("GET", True), ("HEAD", True), ("OPTIONS", True), ("POST", False)])
def test_looking_needs_the_scope_of_get(method: str, allowed: bool) -> None:
    request = staff_request(method)
    entered = StaffSessionAuthentication().authenticate(staff_request())
    assert entered is not None
    request.user = type(entered[0])(id="key:r", name="r", kind="api_key", scopes=frozenset({"runs:read"}))
    if allowed:
        assert HasScope().has_permission(request, Echo())
    else:
        with pytest.raises(Forbidden):
            HasScope().has_permission(request, Echo())
