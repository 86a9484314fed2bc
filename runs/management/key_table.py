"""API keys as the commands that look after them show them: as a table for people, as JSON for programs."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from runs.domain.documents import iso
from runs.domain.events import JsonObject
from runs.models import ApiKey

COLUMNS = ("prefix", "name", "project", "state", "scopes", "createdAt", "createdBy", "lastUsedAt", "expiresAt")


def key_document(row: ApiKey, state: str) -> JsonObject:
    """What may be told of a key."""
    return {
        "id": str(row.id),
        "prefix": row.prefix,
        "name": row.name,
        "project": row.project.slug,
        "state": state,
        "scopes": row.scopes,
        "createdAt": iso(row.created_at),
        "createdBy": row.created_by,
        "lastUsedAt": _shown(row.last_used_at),
        "expiresAt": _shown(row.expires_at),
        "revokedAt": _shown(row.revoked_at),
    }


def table(documents: Sequence[JsonObject]) -> Iterable[str]:
    """A head line, and one line for each key."""
    lines = [COLUMNS, *(tuple(_cell(document[column]) for column in COLUMNS) for document in documents)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(COLUMNS))]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ",".join(value)
    return "-" if value in (None, "") else str(value)


def _shown(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
