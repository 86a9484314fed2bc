"""Who changed what: written in the transaction of the change, or not at all."""

from dataclasses import dataclass
from uuid import UUID

from runs.domain.events import JsonObject
from runs.models import AuditEntry

LONGEST_NAME = 255
LONGEST_REQUEST_ID = 128
LONGEST_ADDRESS = 100


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asked for a change: a name, `api_key`, `user` or `system`, which key or user of that name, and from where."""

    name: str
    kind: str = "api_key"
    id: str = ""
    address: str = ""


def note(
    *,
    project_id: UUID,
    actor: Actor,
    action: str,
    resource: str,
    resource_id: str | None = None,
    details: JsonObject | None = None,
    request_id: str | None = None,
) -> None:
    """The change is in the audit list once the present transaction commits. `details` must hold no secrets."""
    AuditEntry.objects.create(
        project_id=project_id,
        actor=actor.name[:LONGEST_NAME],
        actor_type=actor.kind,
        actor_id=actor.id,
        address=actor.address[:LONGEST_ADDRESS],
        action=action,
        resource=resource,
        resource_id=resource_id,
        details=details or {},
        request_id=request_id[:LONGEST_REQUEST_ID] if request_id else None,
    )
