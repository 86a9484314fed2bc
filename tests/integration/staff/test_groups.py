"""The groups of staff are made by a migration: on any database, once, and can be taken away again."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.staff import GROUPS, make_groups, remove_groups

pytestmark = pytest.mark.django_db


def rights_of(group: str) -> set[str]:
    held = Permission.objects.filter(group__name=group).select_related("content_type")
    return {f"{one.content_type.app_label}.{one.codename}" for one in held}


def everything() -> list[tuple[str, str]]:
    return sorted(Permission.objects.values_list("group__name", "codename").filter(group__isnull=False))


def test_each_group_may_all_that_the_one_before_may_and_more() -> None:
    make_groups()
    viewer, operator, administrator = (rights_of(group) for group in GROUPS)
    assert viewer < operator < administrator
    assert operator - viewer == {
        *("runs.change_run", "runs.add_outboundmessage"),
        *("webhooks.change_delivery", "webhooks.add_delivery", "webhooks.add_replay"),
    }
    assert administrator - operator == {
        *("runs.delete_run", "runs.add_apikey", "runs.change_apikey", "runs.add_project", "runs.change_project"),
        *("runs.manage_policies", "runs.add_breakerchange", "webhooks.change_endpoint"),
        *("auth.view_user", "auth.add_user", "auth.change_user", "auth.view_group"),
    }


def test_a_viewer_may_look_at_every_page_of_runs_and_webhooks_and_do_nothing() -> None:
    make_groups()
    pages = {model._meta for model in admin.site._registry if model._meta.app_label in {"runs", "webhooks"}}
    assert rights_of("viewer") == {f"{one.app_label}.view_{one.model_name}" for one in pages}


def test_nobody_is_given_what_the_queue_would_carry_out() -> None:
    # A schedule names any function: whoever may add one may do everything.
    make_groups()
    assert not {right for group in GROUPS for right in rights_of(group) if right.startswith("django_q.")}


def test_the_migration_may_run_twice_and_takes_nothing_away_that_was_given_by_hand() -> None:
    make_groups()
    before = everything()
    extra = Permission.objects.get(codename="view_session")
    Group.objects.get(name="viewer").permissions.add(extra)
    Group.objects.get(name="operator").permissions.clear()
    make_groups()
    assert everything() == sorted([*before, ("viewer", "view_session")])


def test_the_migration_needs_no_permission_to_be_there_and_makes_them_as_django_would() -> None:
    Permission.objects.all().delete()
    ContentType.objects.all().delete()
    make_groups()
    made = {(one.content_type.model, one.codename): one.name for one in Permission.objects.all()}
    given = everything()

    for app in ("auth", "runs", "webhooks"):
        create_permissions(apps.get_app_config(app), verbosity=0)

    after = {(one.content_type.model, one.codename): one.name for one in Permission.objects.all()}
    assert {key: after[key] for key in made} == made
    assert everything() == given
    Permission.objects.filter(id__in=Permission.objects.filter(codename__in=[code for _, code in made])).delete()
    for app in ("auth", "runs", "webhooks"):
        create_permissions(apps.get_app_config(app), verbosity=0)
    named = {(one.content_type.model, one.codename): one.name for one in Permission.objects.all()}
    assert {key: named[key] for key in made} == made


def test_the_migration_can_be_taken_back_and_applied_again() -> None:
    make_groups()
    Group.objects.create(name="friends")
    remove_groups()
    assert list(Group.objects.values_list("name", flat=True)) == ["friends"]
    make_groups()
    assert set(Group.objects.values_list("name", flat=True)) == {*GROUPS, "friends"}


def test_a_database_that_is_migrated_has_the_groups() -> None:
    """The database of the tests is one; what other tests emptied is no migration's fault."""
    executor = MigrationExecutor(connection)
    assert ("runs", "0013_groups_of_staff") in executor.loader.applied_migrations
