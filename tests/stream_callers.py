"""Stand-ins for the authenticators that the settings name: who asks for a stream says in headers who they are."""

from uuid import UUID

from django.http import HttpRequest
from pytest_django import Settings

from config.http.principal import Principal
from runs.errors import Unauthenticated
from runs.models.project import DEFAULT_PROJECT_ID

SCOPES = "runs:read,runs:write"


def stand_in(settings: Settings) -> None:
    """From now on streams are opened, and stay open, as this file has it."""
    settings.STREAM_AUTHENTICATOR = f"{__name__}.authenticate"
    settings.STREAM_REAUTHENTICATOR = f"{__name__}.reauthenticate"


def authenticate(request: HttpRequest) -> Principal:
    """Whoever the headers name; nobody with `Authorization: none`."""
    if request.headers.get("Authorization") == "none":
        raise Unauthenticated
    project = UUID(request.headers.get("X-Project", str(DEFAULT_PROJECT_ID)))
    return _caller(project, request.headers.get("X-Scopes", SCOPES))


def reauthenticate(credential: str) -> Principal:
    """They may stay."""
    return _caller(DEFAULT_PROJECT_ID, SCOPES)


def _caller(project: UUID, scopes: str) -> Principal:
    return Principal(
        id="key:tester",
        name="tester",
        kind="api_key",
        scopes=frozenset(scopes.split(",")),
        project_id=project,
        credential="static:tester",
    )
