"""Addresses of insights, without trailing slashes; before those of `runs`, which would take a fixed path for an id."""

from django.urls import URLPattern, URLResolver, path

from insights.api import dashboard, exports, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("dashboard/overview", dashboard.OverviewView.as_view()),
    path("dashboard/agents/metrics", dashboard.AgentMetricsView.as_view()),
    path("runs/batch/export", exports.BatchExportView.as_view()),
    path("runs/compare", views.CompareView.as_view()),
    path("runs/<str:run_id>/export", exports.ExportView.as_view()),
    path("runs/<str:run_id>/export/stream", exports.ExportStreamView.as_view()),
    path("runs/<str:run_id>/metrics", views.MetricsView.as_view()),
]
