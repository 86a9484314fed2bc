"""Who may see the pages of the console, and whose runs they show."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from runs.models.project import DEFAULT_PROJECT_ID

View = Callable[..., HttpResponse]
MAY_SEE, MAY_ACT = "runs.view_run", "runs.change_run"


def console_page(view: View) -> View:
    """The view for members of staff who may see runs; others of the staff are told so, strangers log in first."""

    def guarded(request: HttpRequest, *values: Any, **names: Any) -> HttpResponse:
        if not _may(request, MAY_SEE):
            return page(request, "console/not_permitted.html", {"title": "Not permitted"})
        return view(request, *values, **names)

    return admin.site.admin_view(guarded)


def page(request: HttpRequest, template: str, shown: dict[str, Any]) -> TemplateResponse:
    """A page with the frame of the staff pages around it."""
    request.current_app = admin.site.name
    return TemplateResponse(request, template, {**admin.site.each_context(request), **shown})


def part(request: HttpRequest, template: str, shown: dict[str, Any]) -> TemplateResponse:
    """What a page that is open shows anew, without the frame."""
    return TemplateResponse(request, template, shown)


def may_act(request: HttpRequest) -> bool:
    """True for staff who may do something to runs, not only look."""
    return _may(request, MAY_ACT)


def project_of(request: HttpRequest) -> UUID:
    """The project whose runs the member of staff sees: the same as on the API and its streams."""
    return DEFAULT_PROJECT_ID


def _may(request: HttpRequest, permission: str) -> bool:
    return bool(getattr(request.user, "has_perm", lambda name: False)(permission))
