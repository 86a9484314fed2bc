"""Who may open a page of the console: whoever may open the pages of the admin and see runs there."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

Page = Callable[..., HttpResponse]


def staff_page(permission: str) -> Callable[[Page], Page]:
    """A page that is only looked at, for staff with this permission; who is nobody yet is asked to log in."""

    def of(page: Page) -> Page:
        @wraps(page)
        def permitted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            return page(request, *args, **kwargs)

        return admin.site.admin_view(require_safe(permitted))

    return of
