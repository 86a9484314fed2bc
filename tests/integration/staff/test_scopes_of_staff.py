"""A staff session may on the API what its member may, and asks for that once."""

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from config.http.authentication import staff_principal
from runs.domain.scopes import SCOPES
from tests.staff import NOBODY, browser_of, member

pytestmark = pytest.mark.django_db

READS = {"runs:read", "admin:read"}
ACTS = {"runs:write", "runs:cancel", "signals:write"}


def scopes(user: User) -> frozenset[str]:
    request = RequestFactory().get("/runs")
    request.user = User.objects.get(pk=user.pk)
    principal = staff_principal(request)
    assert principal is not None
    return principal.scopes


@pytest.mark.parametrize(
    ("group", "expected"),
    [(NOBODY, set()), ("viewer", READS), ("operator", READS | ACTS), ("administrator", set(SCOPES))],
)
def test_a_group_opens_its_scopes(group: str, expected: set[str]) -> None:
    assert scopes(member(group=group)) == expected


def test_permissions_of_their_own_count_too_and_a_superuser_has_all() -> None:
    assert scopes(member("bob", "delete_run")) == {"runs:delete"}
    assert scopes(User.objects.create_superuser("root")) == set(SCOPES)


def test_a_right_that_is_taken_is_missing_at_the_next_request() -> None:
    user = member("ann", "view_run")
    browser = browser_of(user)
    assert browser.get("/runs").status_code == 200
    user.user_permissions.clear()
    refused = browser.get("/runs")
    assert (refused.status_code, refused.json()["details"]) == (403, {"scope": "runs:read"})


def asked(browser: Client, address: str) -> int:
    """How many statements asked for permissions."""
    with CaptureQueriesContext(connection) as seen:
        assert browser.get(address).status_code == 200
    return sum('"auth_permission"' in one["sql"] for one in seen)


@pytest.mark.parametrize("limit", [0, 1000])
@pytest.mark.parametrize("address", ["/runs", "/admin/console/runs/", "/admin/runs/run/"])
def test_a_request_asks_for_permissions_once_and_never_for_a_superuser(
    address: str, limit: int, settings: Settings
) -> None:
    # Who calls is asked before, too, where requests are counted.
    settings.THROTTLE_LIMIT = limit
    assert asked(browser_of(member(group="viewer")), address) == 1
    assert asked(browser_of(User.objects.create_superuser("root")), address) == 0


def test_a_key_asks_for_no_permissions(caller: Client) -> None:
    assert asked(caller, "/runs") == 0


def test_a_hostile_name_of_a_permission_opens_nothing() -> None:
    kind = Permission.objects.get(codename="view_run").content_type
    odd = Permission.objects.create(content_type=kind, codename="view_run ", name="odd")
    user = member("eve")
    user.user_permissions.add(odd)
    assert scopes(user) == frozenset()
