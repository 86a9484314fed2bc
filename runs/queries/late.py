"""Reads of what arrived after the ending, or contradicted what was known."""

from uuid import UUID

from runs.domain.documents import LateRow
from runs.models import LateObservation


def late_of(project_id: UUID, run_id: UUID, *, limit: int, offset: int) -> list[LateRow]:
    """One page of a run's late observations, oldest first; none if it is not of this project."""
    late = LateObservation.objects.filter(run_id=run_id, run__project_id=project_id).order_by("received_at", "id")
    return [LateRow._make(row) for row in late.values_list(*LateRow._fields)[offset : offset + limit]]


def count_late(project_id: UUID, run_id: UUID) -> int:
    """How many late observations the run has."""
    return LateObservation.objects.filter(run_id=run_id, run__project_id=project_id).count()
