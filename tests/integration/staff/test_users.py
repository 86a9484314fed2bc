"""Administrators put users into groups; nobody gives a right that they have not, nor takes over who has one."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from runs.models import AuditEntry
from tests.failing_audit import failing_audit
from tests.staff import browser_of, make_groups, member

pytestmark = pytest.mark.django_db

LIST = "/admin/auth/user/"
PASSWORD = "correct horse battery"


@pytest.fixture
def chief() -> User:
    return member("chief", group="administrator")


@pytest.fixture
def browser(chief: User) -> Client:
    """Of an administrator."""
    return browser_of(chief)


def page_of(user: User, page: str = "change") -> str:
    return f"{LIST}{user.pk}/{page}/"


def group(name: str) -> Group:
    return Group.objects.get(name=name)


def form_of(user: User, **changed: Any) -> dict[str, Any]:
    """What the page of a user sends, with these changes; False and None are left out."""
    form = {
        **{"username": user.username, "is_active": user.is_active and "on", "is_staff": user.is_staff and "on"},
        **{"groups": [one.pk for one in user.groups.all()], "first_name": "", "last_name": "", "email": ""},
    }
    return {name: value for name, value in (form | changed).items() if value not in (False, None)}


def groups_of(user: User) -> set[str]:
    return set(user.groups.values_list("name", flat=True))


def test_an_administrator_adds_a_user_and_puts_them_into_a_group(browser: Client) -> None:
    added = browser.post(f"{LIST}add/", {"username": "bob", "password1": PASSWORD, "password2": PASSWORD})
    bob = User.objects.get(username="bob")
    assert added.headers["Location"] == page_of(bob)
    assert (bob.is_staff, bob.is_superuser, groups_of(bob)) == (False, False, set())

    saved = browser.post(page_of(bob), form_of(bob, is_staff="on", groups=[group("operator").pk]))
    assert saved.status_code == 302, saved.content
    bob = User.objects.get(username="bob")
    assert (bob.is_staff, bob.is_superuser, groups_of(bob)) == (True, False, {"operator"})
    assert browser_of(bob).get("/runs").status_code == 200
    told = AuditEntry.objects.filter(resource="user").order_by("id")
    assert [(one.action, one.actor, one.resource_id) for one in told] == [
        ("user.created", "chief", str(bob.pk)),
        ("user.changed", "chief", str(bob.pk)),
    ]
    assert told[1].details == {
        **{"name": "bob", "isActive": True, "isStaff": True, "isSuperuser": False, "groups": ["operator"]},
        "changed": ["Staff status", "Groups"],
    }


def test_the_pages_offer_what_an_administrator_may_give(browser: Client, chief: User) -> None:
    Group.objects.create(name="gods").permissions.add(Permission.objects.get(codename="add_schedule"))
    shown = browser.get(page_of(chief)).content.decode()
    offered = {int(pk) for pk in re.findall(r'name="groups" value="(\d+)"', shown)}
    assert offered == set(Group.objects.exclude(name="gods").values_list("pk", flat=True))
    for field in ("is_superuser", "user_permissions"):
        assert f'name="{field}"' not in shown
    assert browser.get(LIST).status_code == 200


@pytest.mark.parametrize("whom", ["chief", "bob"])
def test_an_administrator_makes_nobody_a_superuser_nor_gives_single_permissions(browser: Client, whom: str) -> None:
    member("bob", group="viewer")
    user = User.objects.get(username=whom)
    more = [one.pk for one in Permission.objects.filter(codename__in=("add_schedule", "delete_user"))]
    browser.post(page_of(user), form_of(user, is_superuser="on", user_permissions=more, first_name="B"))
    after = User.objects.get(username=whom)
    assert (after.first_name, after.is_superuser, after.user_permissions.count()) == ("B", False, 0)


def test_a_new_user_is_no_superuser_whatever_the_form_says(browser: Client) -> None:
    form = {"username": "eve", "password1": PASSWORD, "password2": PASSWORD, "is_superuser": "on", "is_staff": "on"}
    browser.post(f"{LIST}add/", {**form, "groups": [group("administrator").pk]})
    eve = User.objects.get(username="eve")
    assert (eve.is_superuser, eve.is_staff, groups_of(eve)) == (False, False, set())


def test_an_administrator_gives_no_group_that_may_more_than_they(browser: Client, chief: User) -> None:
    gods = Group.objects.create(name="gods")
    gods.permissions.add(Permission.objects.get(codename="add_schedule"))
    refused = browser.post(page_of(chief), form_of(chief, groups=[group("administrator").pk, gods.pk]))
    assert refused.status_code == 200
    assert groups_of(chief) == {"administrator"}


def superuser() -> User:
    return User.objects.create_superuser("root", password=PASSWORD)


def inactive_superuser() -> User:
    return User.objects.create_superuser("root", password=PASSWORD, is_active=False)


def of_a_greater_group() -> User:
    make_groups()
    gods = Group.objects.create(name="gods")
    gods.permissions.add(Permission.objects.get(codename="add_schedule"))
    user = member("root", group="viewer", password=PASSWORD)
    user.groups.add(gods)
    return user


def with_one_permission_more() -> User:
    return member("root", "add_schedule", password=PASSWORD)


def inactive_with_one_permission_more() -> User:
    user = with_one_permission_more()
    User.objects.filter(pk=user.pk).update(is_active=False)
    return User.objects.get(pk=user.pk)


@pytest.mark.parametrize(
    "greater",
    [
        *(superuser, inactive_superuser, of_a_greater_group),
        *(with_one_permission_more, inactive_with_one_permission_more),
    ],
)
def test_an_administrator_neither_changes_nor_becomes_somebody_who_may_more(browser: Client, greater: Any) -> None:
    user = greater()
    before = User.objects.filter(pk=user.pk).values().get()
    taken = {"password1": "my own words", "password2": "my own words", "usable_password": "true"}
    assert browser.get(page_of(user)).status_code == 200
    assert browser.post(page_of(user), form_of(user, is_active="on", username="mine")).status_code == 403
    assert browser.get(page_of(user, "password")).status_code == 403
    assert browser.post(page_of(user, "password"), taken).status_code == 403
    assert browser.post(page_of(user, "delete"), {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=user.pk).values().get() == before
    assert AuditEntry.objects.filter(action="access.denied", actor="chief").count() == 3


def test_a_password_of_somebody_below_is_set_and_that_is_in_the_audit_list(browser: Client) -> None:
    bob = member("bob", group="operator")
    form = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true", "set-password": "1"}
    assert browser.post(page_of(bob, "password"), form).status_code == 302
    assert User.objects.get(username="bob").check_password(PASSWORD)
    (entry,) = AuditEntry.objects.filter(action="user.changed")
    assert (entry.actor, entry.details["changed"]) == ("chief", ["password"])
    assert PASSWORD not in str(entry.details)


@pytest.mark.parametrize("page", ["change", "password"])
def test_a_change_that_cannot_be_audited_does_not_happen(browser: Client, page: str) -> None:
    bob = member("bob", group="viewer")
    before = User.objects.filter(pk=bob.pk).values().get()
    password = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true", "set-password": "1"}
    form = form_of(bob, groups=[group("administrator").pk], first_name="B") if page == "change" else password
    with failing_audit():
        assert browser.post(page_of(bob, page), form).status_code == 500
    assert User.objects.filter(pk=bob.pk).values().get() == before
    assert groups_of(bob) == {"viewer"}


def test_a_superuser_may_all_of_it_and_change_groups() -> None:
    root = browser_of(superuser())
    bob = member("bob")
    extra = Permission.objects.get(codename="view_schedule")
    root.post(page_of(bob), form_of(bob, is_superuser="on", user_permissions=[extra.pk]))
    bob = User.objects.get(username="bob")
    assert (bob.is_superuser, list(bob.user_permissions.all())) == (True, [extra])

    make_groups()
    viewers = group("viewer")
    root.post(f"/admin/auth/group/{viewers.pk}/change/", {"name": "viewer", "permissions": [extra.pk]})
    assert list(viewers.permissions.all()) == [extra]
    (entry,) = AuditEntry.objects.filter(action="group.changed")
    assert entry.details == {
        **{"name": "viewer", "permissions": ["django_q.view_schedule"], "changed": ["Permissions"]},
    }
    root.post(f"/admin/auth/group/{viewers.pk}/delete/", {"post": "yes"})
    assert not Group.objects.filter(name="viewer").exists()
    assert AuditEntry.objects.filter(action="group.deleted").count() == 1


def test_an_administrator_sees_what_a_group_may_and_changes_nothing_of_it(browser: Client) -> None:
    viewers = group("viewer")
    address = f"/admin/auth/group/{viewers.pk}/change/"
    assert browser.get(address).status_code == 200
    assert browser.post(address, {"name": "viewer", "permissions": []}).status_code == 403
    assert viewers.permissions.exists()
