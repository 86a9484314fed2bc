"""The sidebar of the staff pages: the pages of the console first, then the records of each app."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from insights.pages.door import MAY_SEE

CONSOLE = (
    ("Home", "console:home"),
    ("Runs", "console:runs"),
    ("Compare", "console:compare"),
    ("Policies", "console:policies"),
)
# What is looked at most stands first; what is not named comes last.
_ORDER = ("runs", "webhooks", "auth")

Group = dict[str, Any]


def navigation(request: HttpRequest) -> list[Group]:
    """Its groups, each with the pages that this member of staff may see."""
    apps = sorted(admin.site.get_app_list(request), key=lambda app: (_place(app["app_label"]), app["name"]))
    console = _console(request) if request.user.has_perm(MAY_SEE) else []
    return console + [{"title": _title(app), "items": _records(request, app)} for app in apps]


def _console(request: HttpRequest) -> list[Group]:
    here = request.path
    items = [{"title": name, "link": reverse(page), "active": here == reverse(page)} for name, page in CONSOLE]
    items[1]["active"] = here.startswith(reverse("console:runs"))
    return [{"title": "Console", "items": items}]


def _records(request: HttpRequest, app: Any) -> list[Group]:
    shown = [model for model in app["models"] if model["admin_url"]]
    return [
        {
            "title": str(model["name"]),
            "link": model["admin_url"],
            "active": request.path.startswith(model["admin_url"]),
        }
        for model in shown
    ]


def _title(app: Any) -> str:
    return "All that is stored of runs" if app["app_label"] == "runs" else str(app["name"])


def _place(label: str) -> int:
    return _ORDER.index(label) if label in _ORDER else len(_ORDER)
