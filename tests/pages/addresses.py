"""The address of every page that staff can open, found in what is registered and what is stored."""

from collections.abc import Iterator
from urllib.parse import quote

from django.contrib import admin
from django.test import RequestFactory
from django.urls import reverse

from tests.pages.canary import CANARY
from tests.pages.scene import Scene

SEARCHED = quote(CANARY)


def console_pages(scene: Scene) -> Iterator[str]:
    """The console's own."""
    runs = reverse("console:runs")
    yield reverse("console:home")
    yield runs
    yield f"{runs}?archived=1&q={SEARCHED}&tag={SEARCHED}&mode={SEARCHED}&environment={SEARCHED}&status={SEARCHED}"
    yield f"{runs}?tag={SEARCHED}"
    yield reverse("console:run", args=[scene.running.id])
    yield reverse("console:run", args=[scene.ended.id])
    compare = reverse("console:compare")
    yield compare
    yield f"{compare}?left={scene.running.id}&right={scene.ended.id}"
    yield f"{compare}?left={SEARCHED}&right={SEARCHED}"


def admin_pages() -> Iterator[str]:
    """Each list, searched, too; a form to add where there is one; each row with its history and whatever else it offers."""
    request = RequestFactory().get("/")
    for model, page in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        listed = reverse(f"{name}_changelist")
        yield listed
        yield f"{listed}?q={SEARCHED}"
        yield reverse(f"{name}_add")
        for row in page.get_queryset(request)[:1]:
            for what in ("change", "history", "delete"):
                yield reverse(f"{name}_{what}", args=[quote(str(row.pk))])
            for step in _steps(page):
                yield reverse(f"{name}_{step}", args=[row.pk])


def other_pages() -> Iterator[str]:
    """What belongs to no row, and what is not there."""
    yield reverse("admin:password_change")
    for app in ("runs", "webhooks", "auth", "django_q"):
        yield reverse("admin:app_list", args=[app])
    yield f"/admin/{SEARCHED}/"
    yield f"/{SEARCHED}"
    yield "/docs"


def _steps(page: object) -> list[str]:
    """What a row's page offers in its head."""
    groups = getattr(page, "actions_detail", None) or ()
    return [step for group in groups for step in (group["items"] if isinstance(group, dict) else [group])]
