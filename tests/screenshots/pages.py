"""Which pages there are to look at: those of the console, and a list and a detail of everything that the admin shows."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib import admin
from django.db.models import Model

from runs.models import Run
from runs.models.identity import uuid7
from tests.screenshots.scene import Scene

ROOT, CLERK, STRANGER = "root", "clerk", "stranger"


@dataclass(frozen=True, slots=True)
class Sight:
    """One page, and who looks at it."""

    name: str
    path: str
    who: str = ROOT
    ready: str = ""  # a selector that matches once all of it is there
    is_ours: bool = True  # else the theme draws it


def console_pages(scene: Scene) -> list[Sight]:
    """The pages that are ours."""
    runs = "/admin/console/runs/"
    compare = "/admin/console/compare"
    over, live = "[data-part=connection][data-state=over]", "[data-part=connection][data-state=live]"
    return [
        Sight("home", "/admin/", ready="#live[data-state=live]"),
        Sight("runs", runs, ready="#live[data-state=live]"),
        Sight("runs-filtered", f"{runs}?code=session_lost&environment=staging", ready="#live[data-state=live]"),
        Sight("runs-no-match", f"{runs}?q=no-such-thing&tag=neither", ready="#live[data-state=live]"),
        Sight("run-live", f"{runs}{scene.live}", ready=live),
        Sight("run-decided", f"{runs}{scene.decided}", ready=over),
        Sight("run-failed", f"{runs}{scene.failed}", ready=over),
        Sight("run-event", f"{runs}{scene.decided}#event-3", ready=over),
        Sight("compare", f"{compare}?left={scene.decided}&right={scene.refused}"),
        Sight("compare-empty", compare),
        Sight("not-permitted", runs, who=CLERK),
        Sight("not-found", f"{runs}{uuid7()}"),
        Sight("no-such-page", "/admin/nowhere/"),
    ]


def admin_pages(scene: Scene) -> Iterator[Sight]:
    """The pages of the theme: the door, a list of everything, and one of each that there is."""
    yield Sight("login", "/admin/login/", who=STRANGER, is_ours=False)
    yield Sight("password", "/admin/password_change/", is_ours=False)
    known = {"endpoint": scene.endpoint, "delivery": scene.delivery, "run": scene.decided}
    for model in sorted(admin.site._registry, key=lambda one: one._meta.label_lower):
        name, path = _named(model)
        yield Sight(f"list-{name}", path, is_ours=False)
        row = known.get(name) or model._default_manager.order_by("-pk").values_list("pk", flat=True).first()
        if row is not None:
            yield Sight(f"one-{name}", f"{path}{row}/change/", is_ours=False)
    yield Sight("list-run-searched", f"{_named(Run)[1]}?q=release", is_ours=False)
    yield Sight("add-apikey", "/admin/runs/apikey/add/", is_ours=False)
    yield Sight("add-endpoint", "/admin/webhooks/endpoint/add/", is_ours=False)


def _named(model: type[Model]) -> tuple[str, str]:
    meta = model._meta
    return meta.model_name or "", f"/admin/{meta.app_label}/{meta.model_name}/"
