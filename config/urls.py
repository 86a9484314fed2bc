"""Every address of Signalbox."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from config.health import healthz, readyz
from config.metrics import MetricsView

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", MetricsView.as_view()),
    # Before the routes of runs: what is fixed here must not be taken for the id of a run.
    path("", include("insights.api.urls")),
    # Before the staff pages: some routes of the API begin with admin/, too.
    path("", include("runs.api.urls")),
    path("", include("webhooks.api.urls")),
    # The pages of the console; its home is at the index of the staff pages.
    path("admin/", include("insights.pages.urls")),
    path("admin/", admin.site.urls),
]

if not settings.PRODUCTION:
    urlpatterns += [
        path("docs-json", SpectacularJSONAPIView.as_view(), name="docs-json"),
        # Its script comes by itself, not within the page: the policy of every page holds here, too.
        path("docs", SpectacularSwaggerSplitView.as_view(url_name="docs-json", template_name="docs.html")),
    ]

handler400 = "config.http.errors.bad_request"
handler403 = "config.http.errors.permission_denied"
handler404 = "config.http.errors.page_not_found"
handler500 = "config.http.errors.server_error"
