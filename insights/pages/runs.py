"""The list of runs, and what an action would do to those that were picked from it."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from insights import bulk
from insights.pages.door import may_act, page, part, project_of
from insights.pages.run_filter import (
    CODES,
    KINDS,
    STATUSES,
    address_behind,
    place_from,
    question_from,
    stream_query,
    told_of,
)
from insights.pages.words import duration, exact, since
from insights.run_rows import RunLine, RunQuestion, run_page
from insights.standing import has_any_run


def runs(request: HttpRequest) -> HttpResponse:
    """/admin/console/runs/: the page, or with `?part` its lines alone."""
    asked, after = question_from(request.GET), place_from(request.GET)
    found = run_page(project_of(request), asked, after=after)
    shown = {
        "lines": [_line(line) for line in found.lines],
        "following": address_behind(request.GET, found.following) if found.following else "",
        "looked_back_to": exact(found.looked_back_to) if found.looked_back_to else "",
        "is_first": after is None,
        "is_filtered": asked != RunQuestion(),
        "told": told_of(asked),
        "has_runs": bool(found.lines) or has_any_run(project_of(request)),
        "may_act": may_act(request),
    }
    if "part" in request.GET:
        return part(request, "console/runs_lines.html", shown)
    return page(request, "console/runs.html", {"title": "Runs", **shown, **_form(asked)})


def preview(request: HttpRequest) -> HttpResponse:
    """/admin/console/runs/preview: what `?action=` would do to each `&id=`; nothing is done."""
    action = request.GET.get("action", "")
    if action not in bulk.ACTIONS:
        return HttpResponse("there is no such action", status=400, content_type="text/plain")
    foreseen = bulk.foresee(project_of(request), action, _ids(request.GET.getlist("id")))
    acting = sum(one.acts for one in foreseen)
    shown = {"action": action, "foreseen": foreseen, "acting": acting, "idle": len(foreseen) - acting}
    return part(request, "console/runs_preview.html", shown)


def _form(asked: RunQuestion) -> dict[str, Any]:
    return {
        "asked": asked,
        "statuses": STATUSES,
        "codes": CODES,
        "kinds": KINDS,
        "runtimes": list(settings.RUNTIME_ADAPTERS),
        "stream_query": stream_query(asked),
    }


def _line(line: RunLine) -> dict[str, Any]:
    begun = line.started_at or line.created_at
    return {
        "run": line,
        "short": str(line.id)[-12:],
        "age": since(line.created_at, line.now),
        "created": exact(line.created_at),
        "took": duration((line.ended_at or line.now) - begun),
        "last_event": since(line.event_at, line.now),
        "mode": line.mode_name.removeprefix("macp.mode."),
        "code": line.error_code or "",
        "more": max((line.participants or 0) - len(line.names or ()), 0),
    }


def _ids(texts: list[str]) -> list[UUID]:
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found
