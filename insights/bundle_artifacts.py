"""The artifacts of an exported run, read while they are written: a page is bounded in rows and bytes."""

from typing import cast
from uuid import UUID

from django.db.models import Func, IntegerField, TextField
from django.db.models.functions import Cast, Coalesce

from runs.domain.documents import iso
from runs.domain.events import JsonObject
from runs.models import Artifact
from runs.queries.log_pages import PAGE_BYTES, PAGE_ROWS
from runs.queries.shown import redactor

Listed = list[tuple[UUID, int]]


def listed(run_id: UUID) -> Listed:
    """The ids of the run's artifacts, oldest first, each with the bytes of what it holds inline."""
    size = Func(Cast("inline", TextField()), function="octet_length", output_field=IntegerField())
    rows = Artifact.objects.filter(run_id=run_id).order_by("created_at", "id")
    return list(rows.annotate(size=Coalesce(size, 0)).values_list("id", "size"))


def page(artifacts: Listed, done: int) -> list[JsonObject]:
    """Those that follow the first so many; fewer than there were, if the run was deleted meanwhile."""
    ids = _next(artifacts[done : done + PAGE_ROWS])
    return [_document(one) for one in Artifact.objects.filter(id__in=ids).order_by("created_at", "id")]


def _next(artifacts: Listed) -> list[UUID]:
    ids, size = list[UUID](), 0
    for artifact_id, bytes_of_it in artifacts:
        ids.append(artifact_id)
        size += bytes_of_it
        if size >= PAGE_BYTES:
            break
    return ids


def _document(artifact: Artifact) -> JsonObject:
    optional = {"uri": artifact.uri, "inline": artifact.inline}
    shown = redactor().redact({name: value for name, value in optional.items() if value is not None})
    return {
        "id": str(artifact.id),
        "runId": str(artifact.run_id),
        "kind": artifact.kind,
        "label": redactor().redact_text(artifact.label),
        **cast(JsonObject, shown),
        "createdAt": iso(artifact.created_at),
    }
