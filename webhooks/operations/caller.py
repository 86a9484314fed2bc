"""Caller: who asks for a change of webhooks, and in which project."""

from dataclasses import dataclass
from uuid import UUID

from runs.audit import Actor, note
from runs.domain.events import JsonObject

RESOURCE = "webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whoever asks; only what belongs to the project is there for them."""

    project_id: UUID
    actor: Actor
    request_id: str | None = None

    def note(self, action: str, endpoint_id: UUID, details: JsonObject | None = None) -> None:
        """The change of the endpoint is in the audit list once the present transaction commits."""
        note(
            project_id=self.project_id,
            actor=self.actor,
            action=action,
            resource=RESOURCE,
            resource_id=str(endpoint_id),
            details=details,
            request_id=self.request_id,
        )
