"""Addresses of the console, below admin/ and before the staff pages, whose index its home takes the place of."""

from django.urls import URLPattern, URLResolver, path

from insights.pages.door import console_page
from insights.pages.home import home

urlpatterns: list[URLPattern | URLResolver] = [
    path("", console_page(home), name="console-home"),
]
