"""The home of the console: what is running, what is stuck, how runs ended lately, and whether the machinery moves."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from insights import listeners, machinery, reachable, standing, troubled
from insights.counting import database_now, one_moment
from insights.failed import Failed, failed_lately
from insights.pages.chart import ended_chart
from insights.pages.door import page, part, project_of
from insights.pages.words import exact, since
from runs.domain.ending_words import meaning_of


def home(request: HttpRequest) -> HttpResponse:
    """/admin/: the page, or with `?part` only what changes on it."""
    shown = _figures(project_of(request))
    if "part" in request.GET:
        return part(request, "console/home_parts.html", shown)
    return page(request, "console/home.html", {"title": "Home", "app_list": admin.site.get_app_list(request), **shown})


def _figures(project_id: UUID) -> dict[str, Any]:
    """All of one moment."""
    with one_moment():
        now = database_now()
        hour, day = standing.hour_and_day(project_id, now)
        return {
            "now": exact(now),
            "open": standing.open_runs(project_id),
            "has_runs": standing.has_any_run(project_id),
            "troubled": [_trouble(one, now) for one in troubled.troubled_runs(project_id, now)],
            "failed": [_failure(one, now) for one in failed_lately(project_id, now)],
            "recent": [
                {"name": "Last hour", "unit": "one minute", "recent": hour, "chart": ended_chart(hour, "one minute")},
                {"name": "Last day", "unit": "one hour", "recent": day, "chart": ended_chart(day, "one hour")},
            ],
            "observers": [{"beat": beat, "ago": since(beat.beat_at, now)} for beat in machinery.beats(now)],
            "runtimes": [
                {"runtime": one, "ago": since(one.failed_at, now)} for one in reachable.runtimes_that_failed(now)
            ],
            "outbox": _depth(machinery.outbox_depth(), now),
            "queue": _depth(machinery.queue_depth(), now),
            "listeners": listeners.listeners(project_id),
        }


def _trouble(one: troubled.Troubled, now: datetime) -> dict[str, Any]:
    return {
        "run": one,
        "short": str(one.id)[-12:],
        "for": since(one.since, now),
        "age": since(one.created_at, now),
        "last_event": since(one.last_event_at, now),
    }


def _failure(one: Failed, now: datetime) -> dict[str, Any]:
    return {
        "run": one,
        "short": str(one.id)[-12:],
        "mode": one.mode_name.removeprefix("macp.mode."),
        "why": meaning_of(one.code),
        "ago": since(one.ended_at, now),
    }


def _depth(depth: machinery.Depth, now: datetime) -> dict[str, Any]:
    number = f"{depth.waiting:,}" + ("+" if depth.is_more else "")
    return {"number": number, "oldest": since(depth.since, now) if depth.since else ""}
