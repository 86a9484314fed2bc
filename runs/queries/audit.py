"""Reads of who changed what."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from runs.domain.documents import AuditRow
from runs.models import AuditEntry
from runs.queries.runs import end_of_millisecond


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries a list shows; empty text and None mean any."""

    actor: str = ""
    action: str = ""
    resource: str = ""
    resource_id: str = ""
    created_after: datetime | None = None
    created_before: datetime | None = None


def list_audit(project_id: UUID, wanted: AuditFilter, *, limit: int, offset: int) -> list[AuditRow]:
    """One page of the entries `wanted` matches, newest first."""
    ordered = _matching(project_id, wanted).order_by("-created_at", "-id")
    rows = ordered.annotate(details_text=Cast("details", TextField())).values_list(*AuditRow._fields)
    return [AuditRow._make(row) for row in rows[offset : offset + limit]]


def count_audit(project_id: UUID, wanted: AuditFilter) -> int:
    """How many entries `wanted` matches."""
    return _matching(project_id, wanted).count()


def _matching(project_id: UUID, wanted: AuditFilter) -> QuerySet[AuditEntry]:
    exact = {
        "actor": wanted.actor,
        "action": wanted.action,
        "resource": wanted.resource,
        "resource_id": wanted.resource_id,
    }
    entries = AuditEntry.objects.filter(project_id=project_id, **{name: text for name, text in exact.items() if text})
    # Both compare what is shown, which has no microseconds: an entry is never after its own createdAt.
    if wanted.created_after:
        entries = entries.filter(created_at__gt=end_of_millisecond(wanted.created_after))
    if wanted.created_before:
        entries = entries.filter(created_at__lt=wanted.created_before)
    return entries
