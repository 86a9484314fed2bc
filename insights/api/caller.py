"""Who asks, as reads need it."""

from typing import Protocol, cast
from uuid import UUID

from rest_framework.request import Request


class Principal(Protocol):
    """Whom authentication lets in."""

    project_id: UUID


def project_of(request: Request) -> UUID:
    """The project whose objects the caller may see."""
    return cast(Principal, request.user).project_id
