"""Who calls, as operations and reads need it."""

from typing import Protocol, cast
from uuid import UUID

from rest_framework.request import Request

from runs.models.project import DEFAULT_PROJECT_ID
from runs.operations.audit import Actor


class Principal(Protocol):
    """Whom authentication lets in."""

    name: str
    kind: str


def project_of(request: Request) -> UUID:
    """The project whose objects the caller may see; whoever is bound to none works in the default one."""
    project_id: UUID | None = getattr(request.user, "project_id", None)
    return project_id or DEFAULT_PROJECT_ID


def actor_of(request: Request) -> Actor:
    """The caller as the audit names it."""
    principal = cast(Principal, request.user)
    return Actor(name=principal.name, kind=principal.kind)
