"""An artifact as everybody sees it."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from runs.domain.documents.clock import iso
from runs.domain.events import JsonObject


class ArtifactRow(NamedTuple):
    """The columns of an artifact that are shown; `inline_text` is JSON text."""

    id: UUID
    run_id: UUID
    kind: str
    label: str
    uri: str | None
    created_at: datetime
    inline_text: str | None


def artifact_document(row: ArtifactRow) -> JsonObject:
    """The artifact of the HTTP contract. Write it with orjson: stored JSON texts are passed through."""
    document: JsonObject = {"id": str(row.id), "runId": str(row.run_id), "kind": row.kind, "label": row.label}
    if row.uri is not None:
        document["uri"] = row.uri
    if row.inline_text is not None:
        document["inline"] = orjson.Fragment(row.inline_text)
    document["createdAt"] = iso(row.created_at)
    return document
