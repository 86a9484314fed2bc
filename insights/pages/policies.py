"""The policies that the runtime knows: they are stored there alone, so the page asks it by the route of the API."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from insights.pages.door import console_page, page


@console_page
def policies(request: HttpRequest) -> HttpResponse:
    """/admin/console/policies, of the runtime that `?kind=` names, else of RUNTIME_KIND."""
    kinds = list(settings.RUNTIME_ADAPTERS)
    asked = request.GET.get("kind", "")
    shown = {"title": "Policies", "kinds": kinds, "kind": asked if asked in kinds else settings.RUNTIME_KIND}
    return page(request, "console/policies.html", shown)
