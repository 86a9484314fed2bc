"""Who calls, as reads and operations of webhooks need it."""

from typing import Protocol, cast
from uuid import UUID

from rest_framework.request import Request

from runs.audit import Actor
from runs.log_context import current_request_id
from webhooks.operations.caller import Caller


class Principal(Protocol):
    """Whom authentication lets in."""

    id: str
    name: str
    kind: str
    project_id: UUID


def project_of(request: Request) -> UUID:
    """The project whose objects the caller may see."""
    return _principal(request).project_id


def caller_of(request: Request) -> Caller:
    """The caller as the audit names it."""
    principal = _principal(request)
    address = request.META.get("REMOTE_ADDR") or ""
    return Caller(
        project_id=principal.project_id,
        actor=Actor(name=principal.name, kind=principal.kind, id=principal.id, address=address),
        request_id=current_request_id(),
    )


def _principal(request: Request) -> Principal:
    return cast(Principal, request.user)
