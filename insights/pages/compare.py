"""Two runs side by side: how they differ, in words, and the panels of both beside each other."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from insights.comparison import compare
from insights.pages.difference import Difference, difference_of
from insights.pages.door import console_page
from runs.errors import RunNotFound
from runs.models.project import DEFAULT_PROJECT_ID

PANELS = ("decision", "graph", "participants", "signals", "progress")
NOT_AN_ID = "The {} run is not named by its id: 36 letters, digits and dashes."


@console_page
def compare_page(request: HttpRequest) -> HttpResponse:
    """The page for the runs named `left` and `right`; without them it asks for two."""
    left, right = (request.GET.get(side, "").strip() for side in ("left", "right"))
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Two runs side by side",
        "left": left,
        "right": right,
        "panels": PANELS,
    }
    found = _found(left, right) if left or right else None
    if isinstance(found, Difference):
        return TemplateResponse(request, "console/compare.html", {**context, "difference": found})
    return TemplateResponse(request, "console/compare.html", {**context, "problem": found})


def _found(left: str, right: str) -> Difference | str:
    """How they differ, or why that cannot be said."""
    left_id, right_id = _run_id(left), _run_id(right)
    if left_id is None:
        return NOT_AN_ID.format("left")
    if right_id is None:
        return NOT_AN_ID.format("right")
    try:
        return difference_of(compare(DEFAULT_PROJECT_ID, left_id, right_id))
    except RunNotFound:
        return "One of the two runs does not exist, or no longer."


def _run_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
