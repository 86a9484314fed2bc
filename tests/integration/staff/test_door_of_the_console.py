"""One door for the pages of the console: strangers log in and come back, others are told what they lack and who gives it."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.models import AuditEntry
from tests.staff import browser_of, make_groups, member

pytestmark = pytest.mark.django_db

RUN = "0190a7c2-0000-7000-8000-0000000000aa"  # there is none
PAGES = ["/admin/", "/admin/console/runs/", "/admin/console/compare"]
PARTS = ["/admin/?part", "/admin/console/runs/?part", "/admin/console/runs/preview?action=cancel"]


@pytest.fixture
def clerk() -> Client:
    """A member of staff who may see events, but no runs."""
    return browser_of(member("clerk", "view_event"))


@pytest.mark.parametrize("address", PAGES)
def test_a_stranger_logs_in_and_comes_back(address: str, client: Client) -> None:
    member("ann", group="viewer", password="correct horse")
    login = client.get(address).headers["Location"]
    back = client.post(login, {"username": "ann", "password": "correct horse"}, follow=True)
    assert back.redirect_chain == [(address, 302)]
    assert back.status_code == 200


@pytest.mark.parametrize("address", [*PAGES, f"/admin/console/runs/{RUN}"], ids=lambda one: one[:20])
def test_who_may_not_is_told_what_is_missing_and_who_gives_it(address: str, clerk: Client) -> None:
    make_groups()
    member("chief", group="administrator")
    User.objects.create_superuser("root")
    User.objects.create_superuser("gone", is_active=False)
    member("bob", group="operator")
    answer = clerk.get(address)
    shown = " ".join(answer.content.decode().split())
    assert (answer.status_code, answer["Content-Type"]) == (403, "text/html; charset=utf-8")
    assert "<code>runs.view_run</code>" in shown
    assert "<strong>administrator</strong>, <strong>operator</strong>, <strong>viewer</strong> have it" in shown
    assert "Ask <strong>chief</strong>, <strong>root</strong>: an administrator puts you into a group." in shown
    # It should leave them the way to what they may see.
    assert 'href="/admin/runs/event/"' in shown


@pytest.mark.parametrize("address", [*PARTS, f"/admin/console/runs/{RUN}/head"], ids=lambda one: one[:35])
def test_what_a_page_fetches_is_refused_in_the_shape_of_the_api(address: str, clerk: Client) -> None:
    answer = clerk.get(address)
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/json")
    assert (answer.json()["errorCode"], answer.json()["details"]) == ("FORBIDDEN", {"permission": "runs.view_run"})


def test_whoever_posts_to_a_page_is_refused_or_told_that_it_takes_nothing(clerk: Client) -> None:
    assert clerk.post("/admin/console/runs/").status_code == 403
    assert AuditEntry.objects.get().resource_id == "/admin/console/runs/"
    assert browser_of(member("ann", "view_run")).post("/admin/console/runs/").status_code == 405


def test_without_anybody_to_ask_the_page_still_says_what_is_missing(clerk: Client) -> None:
    assert "An administrator puts you into a group." in clerk.get("/admin/").content.decode()


HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.mark.parametrize(
    ("address", "permission"),
    [
        ("/admin/runs/run/", "runs.view_run"),
        (f"/admin/runs/run/{RUN}/change/", "runs.view_run"),
        ("/admin/runs/apikey/add/", "runs.add_apikey"),
        ("/admin/django_q/schedule/", "django_q.view_schedule"),
        ("/admin/auth/user/", "auth.view_user"),
    ],
)
def test_a_page_of_the_admin_says_it_to_browsers_in_the_same_words(
    address: str, permission: str, clerk: Client
) -> None:
    answer = clerk.get(address, headers=HTML)
    assert (answer.status_code, answer["Content-Type"]) == (403, "text/html; charset=utf-8")
    assert f"<code>{permission}</code>" in answer.content.decode()
    assert clerk.get(address)["Content-Type"] == "application/json"


def test_a_page_that_nobody_may_open_names_no_permission() -> None:
    root = browser_of(User.objects.create_superuser("root"))
    answer = root.get("/admin/runs/event/add/", headers=HTML)
    assert answer.status_code == 403
    assert "You may not do this" in answer.content.decode()
    assert "runs.add_event" not in answer.content.decode()
