"""Who may see the pages of the console, and whose runs they show.

A stranger logs in first and comes back. A member of staff without the permission is told on a page which one it is and who
can give it; what a page fetches is refused as the API would refuse it.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from insights.pages.givers import givers_of, groups_with
from runs.errors import Forbidden
from runs.models.project import DEFAULT_PROJECT_ID

View = Callable[..., HttpResponse]
MAY_SEE, MAY_ACT = "runs.view_run", "runs.change_run"


def console_page(view: View, permission: str = MAY_SEE) -> View:
    """A page that is only looked at, for members of staff with the permission; with `?part` a part of it."""
    return _guarded(view, permission, lambda request: not_permitted if _is_a_look(request) else _refuse)


def console_part(view: View, permission: str = MAY_SEE) -> View:
    """What a page fetches, for members of staff with the permission."""
    return _guarded(view, permission, lambda request: _refuse)


def page(request: HttpRequest, template: str, shown: dict[str, Any], *, status: int = 200) -> TemplateResponse:
    """A page with the frame of the staff pages around it."""
    request.current_app = admin.site.name
    return TemplateResponse(request, template, {**admin.site.each_context(request), **shown}, status=status)


def part(request: HttpRequest, template: str, shown: dict[str, Any]) -> TemplateResponse:
    """What a page that is open shows anew, without the frame."""
    return TemplateResponse(request, template, shown)


def not_permitted(request: HttpRequest, permission: str) -> HttpResponse:
    """The page that says so: 403, in words, and who can help."""
    shown = {
        "title": "Not permitted",
        "permission": permission,
        "groups": groups_with(permission),
        "givers": givers_of(),
    }
    return page(request, "console/not_permitted.html", shown, status=403)


def may(request: HttpRequest, permission: str) -> bool:
    """True for whoever has the permission."""
    return bool(getattr(request.user, "has_perm", lambda name: False)(permission))


def may_act(request: HttpRequest) -> bool:
    """True for staff who may do something to runs, not only look."""
    return may(request, MAY_ACT)


def project_of(request: HttpRequest) -> UUID:
    """The project whose runs the member of staff sees: the same as on the API and its streams."""
    return DEFAULT_PROJECT_ID


Refusal = Callable[[HttpRequest, str], HttpResponse]


def _guarded(view: View, permission: str, refusal: Callable[[HttpRequest], Refusal]) -> View:
    looked_at = require_safe(view)

    @wraps(view)
    def guarded(request: HttpRequest, *values: Any, **names: Any) -> HttpResponse:
        if not may(request, permission):
            return refusal(request)(request, permission)
        return looked_at(request, *values, **names)

    return admin.site.admin_view(guarded)


def _is_a_look(request: HttpRequest) -> bool:
    return request.method in {"GET", "HEAD"} and "part" not in request.GET


def _refuse(request: HttpRequest, permission: str) -> HttpResponse:
    raise Forbidden(f"the permission {permission} is missing", details={"permission": permission})
