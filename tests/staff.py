"""Members of staff: of a group, with permissions of their own, or with none."""

from importlib import import_module
from types import SimpleNamespace

from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client

MIGRATION = import_module("runs.migrations.0013_groups_of_staff")
GROUPS = ("viewer", "operator", "administrator")
NOBODY = "none"  # a member of staff of no group


def make_groups() -> None:
    """The groups are as the migration made them, also after a test that emptied every table."""
    MIGRATION.make_groups(apps, SimpleNamespace(connection=connection))


def remove_groups() -> None:
    """The groups are gone, as before the migration."""
    MIGRATION.remove_groups(apps, SimpleNamespace(connection=connection))


def member(name: str = "ann", *permissions: str, group: str = NOBODY, password: str = "x") -> User:
    """A member of staff with these permissions of their own, such as `view_run`, and those of the group."""
    user = User.objects.create_user(name, password=password, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    if group != NOBODY:
        make_groups()
        user.groups.add(Group.objects.get(name=group))
    return user


def browser_of(user: User) -> Client:
    """Their browser, logged in."""
    browser = Client(raise_request_exception=False)
    browser.force_login(user)
    return browser
