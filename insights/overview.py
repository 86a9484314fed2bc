"""The overview of a dashboard: key figures, the newest runs, and charts over a window of time."""

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from insights.buckets import Bucket, count_buckets
from insights.counting import counted, one_moment
from insights.window import Window
from runs.domain.documents import iso
from runs.domain.documents.clock import iso_or_none
from runs.domain.endings import known_code
from runs.domain.events import JsonObject
from runs.domain.lifecycle import RunStatus

NEWEST = 10
TOP = 10
MICRO = 1_000_000

_BY_ERROR = """
SELECT coalesce(error_code, 'unknown'), count(*) FROM picked WHERE status = 'failed' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s
"""
_BY_SCENARIO = "SELECT coalesce(source_ref, 'unknown'), count(*) FROM picked GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s"

log = logging.getLogger("signalbox.insights")


class _Group(NamedTuple):
    name: str
    runs: int


def overview(project_id: UUID, window: Window) -> JsonObject:
    """The answer of GET /dashboard/overview; but for the health of the runtime, all of it is of one moment."""
    with one_moment():
        buckets = count_buckets(project_id, window)
        charts = {
            **_over_time(buckets),
            "errorClasses": _by_name(counted(_Group, project_id, window, _BY_ERROR, TOP), known_code),
            "perScenario": _by_name(counted(_Group, project_id, window, _BY_SCENARIO, TOP), str),
        }
        newest = _newest(project_id, window)
    return {"kpis": _kpis(buckets), "recentRuns": newest, "runtimeHealth": _runtime_health(), "charts": charts}


def _kpis(buckets: Sequence[Bucket]) -> JsonObject:
    ended = sum(bucket.ended for bucket in buckets)
    return {
        "totalRuns": sum(bucket.created for bucket in buckets),
        "activeRuns": sum(bucket.created - bucket.ended for bucket in buckets),
        "completedRuns": sum(bucket.runs[RunStatus.COMPLETED] for bucket in buckets),
        "failedRuns": sum(bucket.runs[RunStatus.FAILED] for bucket in buckets),
        "cancelledRuns": sum(bucket.runs[RunStatus.CANCELLED] for bucket in buckets),
        "totalSignals": sum(bucket.signals for bucket in buckets),
        "totalTokens": sum(bucket.tokens for bucket in buckets),
        "totalCostUsd": round(sum(bucket.cost_micro_usd for bucket in buckets) / MICRO, 2),
        "avgDurationMs": round(sum(bucket.duration_ms for bucket in buckets) / ended) if ended else None,
    }


def _over_time(buckets: Sequence[Bucket]) -> JsonObject:
    """The charts with a value for each bucket; all have the same labels."""
    values: dict[str, Sequence[float]] = {
        "runVolume": [bucket.created for bucket in buckets],
        "latency": [round(bucket.duration_ms / bucket.ended) if bucket.ended else 0 for bucket in buckets],
        "signalVolume": [bucket.signals for bucket in buckets],
        "throughput": [bucket.ended_in_it for bucket in buckets],
        "queueDepth": [bucket.waiting for bucket in buckets],
        "latencyP50": [round(bucket.percentiles[0]) for bucket in buckets],
        "latencyP95": [round(bucket.percentiles[1]) for bucket in buckets],
        "latencyP99": [round(bucket.percentiles[2]) for bucket in buckets],
        "cost": [bucket.cost_micro_usd / MICRO for bucket in buckets],
        "successRate": [_percent(bucket.runs[RunStatus.COMPLETED], bucket.ended) for bucket in buckets],
        "decisionOutcome": [bucket.outcome for bucket in buckets],
    }
    labels = [iso(bucket.begins) for bucket in buckets]
    return {name: {"labels": labels, "data": data} for name, data in values.items()}


def _by_name(groups: Sequence[_Group], shown: Callable[[str], object]) -> JsonObject:
    return {"labels": [shown(group.name) for group in groups], "data": [group.runs for group in groups]}


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0


def _newest(project_id: UUID, window: Window) -> list[JsonObject]:
    runs = window.runs(project_id).order_by("-created_at", "-id")
    shown = runs.only("id", "status", "runtime_kind", "source_ref", "started_at", "ended_at", "created_at")
    documents = []
    for run in shown[:NEWEST]:
        optional = {
            "sourceRef": run.source_ref,
            "startedAt": iso_or_none(run.started_at),
            "endedAt": iso_or_none(run.ended_at),
        }
        given = {name: value for name, value in optional.items() if value is not None}
        document: JsonObject = {"id": str(run.id), "status": run.status, "runtimeKind": run.runtime_kind}
        documents.append({**document, **given, "createdAt": iso(run.created_at)})
    return documents


def _runtime_health() -> JsonObject:
    """How the default runtime is, as the probe of this deployment has it; a probe that fails is bad health, no error."""
    try:
        probe: Callable[[], JsonObject] = import_string(settings.RUNTIME_HEALTH)
        return probe()
    except Exception as error:
        log.warning("the health of the runtime cannot be told: %r", error)
        return {"ok": False, "runtimeKind": settings.RUNTIME_KIND, "detail": "its health cannot be told"}
