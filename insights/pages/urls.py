"""Addresses of the console, without trailing slashes; below admin/, before the pages of the admin itself."""

from django.urls import URLPattern, URLResolver, path

from insights.pages import compare, ownership, run

app_name = "console"

urlpatterns: list[URLPattern | URLResolver] = [
    path("console/runs/<uuid:run_id>", run.run_page, name="run"),
    path("console/runs/<uuid:run_id>/head", run.run_head, name="run-head"),
    path("console/runs/<uuid:run_id>/lines", run.run_lines, name="run-lines"),
    path("console/runs/<uuid:run_id>/ownership", ownership.run_ownership, name="run-ownership"),
    path("console/compare", compare.compare_page, name="compare"),
]
