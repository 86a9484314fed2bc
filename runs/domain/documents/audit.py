"""An audit entry as those see it who may read the audit list."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from runs.domain.documents.clock import iso
from runs.domain.events import JsonObject


class AuditRow(NamedTuple):
    """The columns of an audit entry that are shown; `details_text` is JSON text."""

    id: UUID
    actor: str
    actor_type: str
    action: str
    resource: str
    resource_id: str | None
    request_id: str | None
    created_at: datetime
    details_text: str


def audit_document(row: AuditRow) -> JsonObject:
    """The audit entry of the HTTP contract. Write it with orjson: stored JSON texts are passed through."""
    return {
        "id": str(row.id),
        "actor": row.actor,
        "actorType": row.actor_type,
        "action": row.action,
        "resource": row.resource,
        "resourceId": row.resource_id,
        "details": orjson.Fragment(row.details_text),
        "requestId": row.request_id,
        "createdAt": iso(row.created_at),
    }
