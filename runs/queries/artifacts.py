"""Reads of what a run made or refers to, and of where it is found in a tracing system."""

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import orjson
from django.db.models import BigIntegerField, Count, Func, QuerySet, Sum, TextField
from django.db.models.functions import Cast, Coalesce

from runs.domain.documents import ArtifactRow
from runs.errors import RunNotFound
from runs.models import Artifact, Run
from runs.queries.runs import scenario_of
from runs.queries.states import state_text

MOST_LINKED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The trace of a run; `linked` are the ids of its artifacts, those that came after the ending among them."""

    trace_id: str | None
    span_count: int
    last_span_id: str | None
    linked: list[str]
    run_status: str
    scenario_ref: str | None


def artifacts_of(project_id: UUID, run_id: UUID, *, limit: int, offset: int) -> list[ArtifactRow]:
    """One page of the artifacts of a run, oldest first; none if it is not of this project."""
    rows = _shown(_artifacts(project_id, run_id))
    return [ArtifactRow._make(row) for row in rows[offset : offset + limit]]


def artifact_row(artifact_id: UUID) -> ArtifactRow:
    """The artifact as it is shown."""
    return ArtifactRow._make(_shown(Artifact.objects.filter(id=artifact_id)).get())


def artifacts_held(run_id: UUID) -> tuple[int, int]:
    """How many artifacts the run has, and how many bytes of JSON text they hold inline."""
    size = Func(Cast("inline", TextField()), function="octet_length", output_field=BigIntegerField())
    found = Artifact.objects.filter(run_id=run_id).aggregate(count=Count("id"), size=Coalesce(Sum(size), 0))
    return found["count"], int(found["size"])


def trace_of(project_id: UUID, run_id: UUID) -> Trace:
    """Where the run is found in a tracing system, and what was made on the way. Raises RunNotFound."""
    state = orjson.loads(state_text(project_id, run_id))
    found = Run.objects.filter(id=run_id).annotate(scenario=scenario_of())
    row = found.values_list("status", "trace_id", "scenario").first()
    if row is None:
        raise RunNotFound  # deleted meanwhile
    status, trace_id, scenario_ref = row
    seen = cast("dict[str, Any]", state["trace"])
    return Trace(
        trace_id=seen.get("traceId") or trace_id,
        span_count=seen["spanCount"],
        last_span_id=seen.get("lastSpanId"),
        linked=_linked(project_id, run_id, seen["linkedArtifacts"]),
        run_status=status,
        scenario_ref=scenario_ref,
    )


def _linked(project_id: UUID, run_id: UUID, told: list[str]) -> list[str]:
    """First those that only the log tells of, then those that are stored: after the ending there are no events of them."""
    newest = _artifacts(project_id, run_id).order_by("-created_at", "-id").values_list("id", flat=True)[:MOST_LINKED]
    stored = [str(artifact_id) for artifact_id in newest][::-1]
    known = frozenset(stored)
    return [*(one for one in told if one not in known), *stored]


def _artifacts(project_id: UUID, run_id: UUID) -> QuerySet[Artifact]:
    return Artifact.objects.filter(run_id=run_id, run__project_id=project_id)


def _shown(artifacts: QuerySet[Artifact]) -> QuerySet[Artifact, tuple[Any, ...]]:
    ordered = artifacts.order_by("run_id", "created_at", "id")
    return ordered.annotate(inline_text=Cast("inline", TextField())).values_list(*ArtifactRow._fields)
