"""A page of the admin that somebody may not open tells their browser so in words, as the pages of the console do."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from insights.pages.door import may, not_permitted

ADMIN = "admin"


def refused_page(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """The page that names what is missing; None for programs, and where no permission would help."""
    looks = request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("Accept", "")
    permission = _permission_for(request) if looks and isinstance(error, PermissionDenied) else None
    return None if permission is None or may(request, permission) else not_permitted(request, permission)


def _permission_for(request: HttpRequest) -> str | None:
    """What it takes to look at the page: its name says of which model it is, and whether rows are made there."""
    match = request.resolver_match
    if match is None or match.namespace != ADMIN:
        return None
    for model in admin.site._registry:
        app, name = model._meta.app_label, model._meta.model_name
        if match.url_name and match.url_name.startswith(f"{app}_{name}_"):
            return f"{app}.{'add' if match.url_name.endswith('_add') else 'view'}_{name}"
    return None
