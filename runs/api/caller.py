"""Who calls, as operations and reads need it."""

from typing import Protocol, cast
from uuid import UUID

from rest_framework.request import Request

from runs.audit import Actor
from runs.domain.endings import DecidedBy
from runs.operations.ticket import Issuer


class Principal(Protocol):
    """Whom authentication lets in."""

    id: str
    name: str
    kind: str
    project_id: UUID
    credential: str


def project_of(request: Request) -> UUID:
    """The project whose objects the caller may see."""
    return _principal(request).project_id


def actor_of(request: Request) -> Actor:
    """The caller as the audit names it."""
    caller = _principal(request)
    return Actor(name=caller.name, kind=caller.kind, id=caller.id, address=request.META.get("REMOTE_ADDR") or "")


def issuer_of(request: Request, origin: str | None) -> Issuer:
    """The caller as a ticket remembers it."""
    return Issuer(name=_principal(request).name, credential=_principal(request).credential, origin=origin)


def way_of(request: Request) -> DecidedBy:
    """By which way the caller decides: a program through the API, a person as an operator."""
    return DecidedBy.OPERATOR if _principal(request).kind == "user" else DecidedBy.API


def _principal(request: Request) -> Principal:
    return cast(Principal, request.user)
