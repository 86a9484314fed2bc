"""Reads of what arrived too late, or contradicts what was recorded."""

from uuid import UUID

from django.db.models import QuerySet

from runs.domain.documents import LateRow
from runs.models import LateObservation


def late_of(project_id: UUID, run_id: UUID, *, limit: int, offset: int) -> list[LateRow]:
    """One page of a run's late observations, oldest first; none if the run is not of this project."""
    rows = _late(project_id, run_id).order_by("run_id", "received_at", "id").values_list(*LateRow._fields)
    return [LateRow._make(row) for row in rows[offset : offset + limit]]


def count_late(project_id: UUID, run_id: UUID) -> int:
    """How many late observations the run has, wherever a page of them begins."""
    return _late(project_id, run_id).count()


def _late(project_id: UUID, run_id: UUID) -> QuerySet[LateObservation]:
    return LateObservation.objects.filter(run_id=run_id, run__project_id=project_id)
