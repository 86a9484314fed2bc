"""Addresses of the console, below admin/ and before the pages of the admin, whose index its home takes the place of."""

from django.urls import URLPattern, URLResolver, path

from insights.pages import compare, ownership, run, speakers, told
from insights.pages.door import console_page, console_part
from insights.pages.home import home
from insights.pages.policies import policies
from insights.pages.runs import preview, runs

app_name = "console"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", console_page(home), name="home"),
    path("console/runs/", console_page(runs), name="runs"),
    path("console/runs/preview", console_part(preview), name="runs-preview"),
    path("console/runs/<uuid:run_id>", run.run_page, name="run"),
    path("console/runs/<uuid:run_id>/head", run.run_head, name="run-head"),
    path("console/runs/<uuid:run_id>/lines", run.run_lines, name="run-lines"),
    path("console/runs/<uuid:run_id>/ownership", ownership.run_ownership, name="run-ownership"),
    path("console/runs/<uuid:run_id>/told", told.run_told, name="run-told"),
    path("console/runs/<uuid:run_id>/speakers", speakers.run_speakers, name="run-speakers"),
    path("console/compare", compare.compare_page, name="compare"),
    path("console/policies", policies, name="policies"),
]
