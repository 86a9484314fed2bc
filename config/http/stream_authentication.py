"""Who opens a stream, and whether they may keep it: streams are plain views, outside the REST framework, and stay open.

`runs` may not import this; it finds both functions through the settings (STREAM_AUTHENTICATOR, STREAM_REAUTHENTICATOR).
"""

from importlib import import_module
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from config.http.authentication import refuse_foreign_origin, staff_principal
from config.http.keys import principal_of_key, static_by_credential, stored_by_id
from config.http.principal import Principal
from runs.errors import Forbidden, Unauthenticated

ENDED = "the key or the session that opened this is valid no more"


def authenticate_stream(request: HttpRequest) -> Principal:
    """Who opens a stream, by API key or staff session; with a key nobody looks at cookies.

    Raises Unauthenticated or Forbidden.
    """
    header = request.META.get("HTTP_AUTHORIZATION")
    if header is not None:
        return principal_of_key(header)
    member = staff_principal(request)
    if member is None:
        raise Unauthenticated
    _refuse_unnamed_page(request)
    refuse_foreign_origin(request)
    return member


def reauthenticate(credential: str) -> Principal:
    """Whom a principal's `credential` means now. Raises Unauthenticated once it is revoked, removed, expired or ended."""
    kind, _, name = credential.partition(":")
    match kind:
        case "static":
            found = static_by_credential(credential)
        case "key":
            found = stored_by_id(UUID(name))
        case "session":
            found = _principal_of_session(name)
        case _:
            found = None
    if found is None:
        raise Unauthenticated(ENDED)
    return found


def _principal_of_session(session_key: str) -> Principal | None:
    """The member of staff whose session it is, as stored now: a changed password or a lost right ends it, too."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    request.user = get_user(request)
    return staff_principal(request)


def _refuse_unnamed_page(request: HttpRequest) -> None:
    # A browser names the page's origin with every WebSocket. With a GET it may leave it out, but then says whether
    # the page is ours; what is no browser says neither.
    if request.META.get("HTTP_ORIGIN") is not None:
        return
    is_websocket = getattr(request, "scope", {}).get("type") == "websocket"
    if is_websocket or request.META.get("HTTP_SEC_FETCH_SITE", "none") not in {"same-origin", "none"}:
        raise Forbidden("a staff session is used from our own pages only", details={"reason": "origin"})
