"""The page of one run: its header, and its log as it grows."""

from uuid import UUID

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.template.response import TemplateResponse

from insights.pages.door import console_page, console_part
from insights.pages.head import head_of
from insights.pages.lines import MOST, lines_after
from insights.pages.run_acts import permitted
from runs.errors import RunNotFound

PANELS = (
    # Beside each other where there is room; those with many columns take a line of their own (panels.css).
    *("graph", "participants", "decision", "signals", "progress"),
    *("artifacts", "messages", "webhooks", "late", "recovery"),
)
LONGEST_NUMBER = 18  # digits that surely fit into a bigint


@console_page
def run_page(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The page; what grows on it is fetched by its scripts."""
    try:
        head = head_of(run_id)
    except RunNotFound as missing:
        raise Http404("There is no such run.") from missing
    context = {
        **admin.site.each_context(request),
        "title": f"Run {run_id}",
        "run_id": run_id,
        "head": head,
        "panels": PANELS,
        "acts": permitted(request, head.acts),
    }
    return TemplateResponse(request, "console/run.html", context)


@console_part
def run_head(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The header as it is now."""
    try:
        head = head_of(run_id)
        return JsonResponse({**head.document(), "acts": permitted(request, head.acts)})
    except RunNotFound as missing:
        raise Http404("There is no such run.") from missing


@console_part
def run_lines(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Some lines of its log: `afterSeq`, and at most `limit`."""
    after, limit = _number(request, "afterSeq", 0), _number(request, "limit", MOST)
    if after is None or limit is None or not 1 <= limit <= MOST:
        return HttpResponseBadRequest(f"afterSeq is a number, limit one from 1 to {MOST}")
    try:
        return JsonResponse(lines_after(run_id, after, limit=limit))
    except RunNotFound as missing:
        raise Http404("There is no such run.") from missing


def _number(request: HttpRequest, name: str, default: int) -> int | None:
    given = request.GET.get(name)
    if given is None:
        return default
    return int(given) if given.isascii() and given.isdigit() and len(given) <= LONGEST_NUMBER else None
