"""Reads of what the runtime told us, as it was received."""

from uuid import UUID

from runs.domain.documents import RawRow
from runs.models import RawObservation


def raw_after(run_id: UUID, after: int, *, limit: int) -> list[RawRow]:
    """The next `limit` raw observations of a run after raw number `after`, in order."""
    rows = RawObservation.objects.filter(run_id=run_id, seq__gt=after).order_by("run_id", "seq")
    return [RawRow._make(row) for row in rows.values_list(*RawRow._fields)[:limit]]
