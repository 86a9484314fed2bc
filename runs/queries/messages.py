"""Reads of what was sent into a session."""

from uuid import UUID

from django.db.models import F

from runs.domain.documents import MessageRow
from runs.models import OutboundMessage

_COLUMNS = [name for name in MessageRow._fields if name != "session_id"]


def messages_of(project_id: UUID, run_id: UUID, *, limit: int, offset: int) -> list[MessageRow]:
    """One page of a run's outbound messages, in the order of sending; none if it is not of this project."""
    messages = OutboundMessage.objects.filter(run_id=run_id, run__project_id=project_id).order_by("run_id", "position")
    rows = messages.values_list(*_COLUMNS, F("run__session_id"))
    return [MessageRow._make(row) for row in rows[offset : offset + limit]]
