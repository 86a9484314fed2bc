"""The staff pages of API keys: made and shown once, seen, revoked; a hash or a scope is never changed."""

import hashlib
import re
from collections.abc import Mapping
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.http.keys import principal_of_key
from runs.domain.key_text import DEV, prefix_in
from runs.models import ApiKey, AuditEntry
from runs.models.project import DEFAULT_PROJECT_ID
from tests.keys import stored_key

pytestmark = pytest.mark.django_db

ADD = reverse("admin:runs_apikey_add")
LIST = reverse("admin:runs_apikey_changelist")
PASSWORD = "correct horse"
FORM: Mapping[str, object] = {
    "name": "robot",
    "project": str(DEFAULT_PROJECT_ID),
    "scopes": ["runs:write", "runs:read"],
    "password": PASSWORD,
}


@pytest.fixture
def staff(client: Client) -> Client:
    """A superuser's browser."""
    client.force_login(get_user_model().objects.create_superuser("root", password=PASSWORD))
    return client


def clerk(*permissions: str) -> Client:
    """The browser of a member of staff with these rights alone."""
    member = get_user_model().objects.create_user("clerk", password=PASSWORD, is_staff=True)
    member.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    browser = Client()
    browser.force_login(member)
    return browser


def key_in(page: HttpResponse) -> str:
    (key,) = re.findall(r"sb_dev_\w{8}_\w{49}", page.content.decode())
    return str(key)


def audited() -> list[tuple[str, str, str, str, dict[str, object]]]:
    columns = ("action", "actor", "actor_type", "resource_id", "details")
    return list(AuditEntry.objects.filter(action__startswith="apikey.").order_by("id").values_list(*columns))


def test_a_key_is_made_shown_on_one_page_and_lets_in(staff: Client) -> None:
    page = staff.post(ADD, FORM, headers={"X-Request-Id": "req-7"})
    text = key_in(page)
    row = ApiKey.objects.get()

    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    assert row.prefix == prefix_in(text, DEV)
    assert bytes(row.secret_sha256) == hashlib.sha256(text.encode()).digest()
    assert (row.created_by, row.scopes, row.expires_at) == ("root", ["runs:read", "runs:write"], None)
    assert principal_of_key(f"Bearer {text}").scopes == {"runs:read", "runs:write"}
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.actor_type) == ("apikey.created", "root", "user")
    assert (entry.resource_id, entry.request_id, entry.address) == (str(row.id), "req-7", "127.0.0.1")
    # It should be shown nowhere else: not by the list, not by its page, not by the audit list.
    for address in (
        LIST,
        reverse("admin:runs_apikey_change", args=[row.pk]),
        reverse("admin:runs_auditentry_changelist"),
    ):
        shown = staff.get(address).content.decode()
        assert text not in shown
    assert text not in str(AuditEntry.objects.values()) + str(staff.session.items())


@pytest.mark.parametrize(
    "changed",
    [
        {"name": ""},
        {"name": "x" * 101},
        {"name": "two\nlines"},
        {"scopes": []},
        {"scopes": ["runs:everything"]},
        {"project": "00000000-0000-0000-0000-000000000009"},
        {"expires_at_0": "2020-01-01", "expires_at_1": "00:00"},
        {"password": "wrong"},
        {"password": ""},
    ],
    ids=str,
)
def test_a_form_with_a_fault_makes_no_key(changed: dict[str, object], staff: Client) -> None:
    page = staff.post(ADD, {**FORM, **changed})
    assert page.status_code == 200
    assert not ApiKey.objects.exists()
    assert audited() == []


def test_the_form_cannot_be_used_to_choose_a_secret_or_an_id(staff: Client) -> None:
    forged = {"secret_sha256": "00" * 32, "prefix": "sb_dev_forged01", "id": str(DEFAULT_PROJECT_ID), "created_by": "x"}
    text = key_in(staff.post(ADD, {**FORM, **forged}))
    row = ApiKey.objects.get()
    assert bytes(row.secret_sha256) == hashlib.sha256(text.encode()).digest()
    assert (row.prefix, row.created_by) == (prefix_in(text, DEV), "root")
    assert row.id != DEFAULT_PROJECT_ID


def test_keys_are_revoked_and_the_audit_list_has_one_row_for_each(staff: Client) -> None:
    first, second, other = stored_key(name="first"), stored_key(name="second"), stored_key(name="other")
    chosen = {"action": "revoke", "_selected_action": [str(first.id), str(second.id)]}
    assert staff.post(LIST, chosen).status_code == 302
    staff.post(LIST, chosen)

    assert set(ApiKey.objects.valid().values_list("id", flat=True)) == {other.id}
    assert sorted((action, details["name"]) for action, _, _, _, details in audited()) == [
        ("apikey.revoked", "first"),
        ("apikey.revoked", "second"),
    ]


def test_nothing_of_a_key_can_be_changed(staff: Client) -> None:
    key = stored_key()
    before = ApiKey.objects.values().get()
    page = reverse("admin:runs_apikey_change", args=[key.id])
    later = timezone.now() + timedelta(days=1)
    changed = {**FORM, "scopes": ["admin:write"], "secret_sha256": "00", "expires_at_0": f"{later:%Y-%m-%d}"}
    assert staff.post(page, changed).status_code == 403
    assert staff.post(reverse("admin:runs_apikey_delete", args=[key.id]), {"post": "yes"}).status_code == 403
    assert ApiKey.objects.values().get() == before


def test_who_may_see_keys_may_neither_make_nor_revoke_them() -> None:
    key, browser = stored_key(), clerk("view_apikey")
    assert browser.get(LIST).status_code == 200
    assert browser.get(ADD).status_code == 403
    assert browser.post(ADD, FORM).status_code == 403
    refused = browser.post(LIST, {"action": "revoke", "_selected_action": [str(key.id)]})
    assert refused.status_code == 403
    assert ApiKey.objects.valid().count() == 1
    tried = AuditEntry.objects.filter(action="access.denied").order_by("id").values_list("actor", "resource_id")
    assert list(tried) == [("clerk", ADD), ("clerk", LIST)]


def test_a_key_opens_nothing_that_its_maker_may_not_do() -> None:
    browser = clerk("add_apikey", "view_run", "change_run")
    page = browser.get(ADD).content.decode()
    assert 'value="runs:write"' in page
    assert 'value="runs:delete"' not in page
    browser.post(ADD, {**FORM, "scopes": ["runs:read", "runs:delete"]})
    browser.post(ADD, {**FORM, "scopes": ["admin:write"]})
    assert not ApiKey.objects.exists()
    key_in(browser.post(ADD, FORM))
    assert ApiKey.objects.get().scopes == ["runs:read", "runs:write"]


def test_who_may_add_keys_may_make_them_and_who_may_change_them_may_revoke_them() -> None:
    browser = clerk("view_apikey", "add_apikey", "change_apikey", "view_run", "change_run")
    key_in(browser.post(ADD, FORM))
    browser.post(LIST, {"action": "revoke", "_selected_action": [str(ApiKey.objects.get().id)]})
    assert [action for action, *_ in audited()] == ["apikey.created", "apikey.revoked"]
    assert not ApiKey.objects.valid().exists()


def test_the_form_is_shown_to_whoever_may_make_keys(staff: Client) -> None:
    page = staff.get(ADD).content.decode()
    assert all(f'value="{scope}"' in page for scope in ("runs:read", "admin:write"))
    assert "Your password" in page


def test_who_made_or_renamed_a_project_is_in_the_audit_list(staff: Client) -> None:
    staff.post(reverse("admin:runs_project_add"), {"name": "Blue", "slug": "blue"})
    entry = AuditEntry.objects.get(action="project.created")
    assert (entry.actor, entry.details, entry.resource_id) == (
        "root",
        {"name": "Blue", "slug": "blue"},
        str(entry.project_id),
    )
    staff.post(reverse("admin:runs_project_change", args=[entry.project_id]), {"name": "Bluer", "slug": "blue"})
    assert AuditEntry.objects.get(action="project.changed").details["name"] == "Bluer"
