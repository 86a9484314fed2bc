"""Who calls, as operations and reads need it."""

from uuid import UUID

from rest_framework.request import Request

from runs.models.project import DEFAULT_PROJECT_ID
from runs.operations.audit import Actor


def project_of(request: Request) -> UUID:
    """The project whose objects the caller may see; whoever is bound to none works in the default one."""
    project_id: UUID | None = getattr(request.user, "project_id", None)
    return project_id or DEFAULT_PROJECT_ID


def actor_of(request: Request) -> Actor:
    """The caller as the audit names it."""
    return Actor(name=request.user.name, kind=request.user.kind)
