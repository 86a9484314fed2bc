"""Addresses of the console, below admin/ and before the staff pages, whose index its home takes the place of."""

from django.urls import URLPattern, URLResolver, path

from insights.pages.door import console_page
from insights.pages.home import home
from insights.pages.runs import preview, runs

urlpatterns: list[URLPattern | URLResolver] = [
    path("", console_page(home), name="console-home"),
    path("console/runs/", console_page(runs), name="console-runs"),
    path("console/runs/preview", console_page(preview), name="console-runs-preview"),
]
