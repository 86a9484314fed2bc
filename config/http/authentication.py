"""Who is calling: an API key in the Authorization header, or a member of staff with a session."""

from collections.abc import Sequence

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from config.http.keys import principal_of_key
from config.http.principal import Principal
from config.http.routes import match_of
from runs.domain.staff_rights import scopes_of_member
from runs.errors import Forbidden

HEADER = "HTTP_AUTHORIZATION"
_PRINCIPAL = "signalbox_principal_by_key"
BAD_CSRF_TOKEN = "the CSRF token is missing or wrong"  # noqa: S105 - it is none


def staff_principal(request: HttpRequest) -> Principal | None:
    """The principal of an active member of staff who is logged in, None for everybody else.

    It may do what its permissions say, which the user remembers: a request asks for them once (config/http/staff_backend.py).
    """
    user: User | AnonymousUser | None = getattr(request, "user", None)
    if user is None or isinstance(user, AnonymousUser) or not (user.is_active and user.is_staff):
        return None
    session = getattr(request, "session", None)
    return Principal(
        id=f"user:{user.pk}",
        name=user.username,
        kind="user",
        scopes=scopes_of_member(user),
        credential=f"session:{session.session_key}" if session is not None else "",
    )


def refuse_foreign_origin(request: Request | HttpRequest) -> None:
    """Raises Forbidden if the request names an origin that is neither ours nor in CORS_ORIGIN."""
    origin = request.META.get("HTTP_ORIGIN")
    own = f"{request.scheme}://{request.get_host()}"
    if origin is not None and origin != own and origin not in settings.CORS_ORIGIN:
        raise Forbidden("this origin may not use a staff session", details={"reason": "origin"})


def shows_key(request: HttpRequest) -> bool:
    """True if a key is shown to a view that then asks for nothing else, not even if the key is wrong."""
    if HEADER not in request.META:
        return False
    match = match_of(request)
    asked_first: Sequence[object] = getattr(getattr(match and match.func, "cls", None), "authentication_classes", ())
    return bool(asked_first) and asked_first[0] is ApiKeyAuthentication


def principal_by_key(request: HttpRequest) -> Principal:
    """Whose key the request shows, looked up once for a request that has one. Raises Unauthenticated."""
    known = getattr(request, _PRINCIPAL, None)
    if not isinstance(known, Principal):
        known = principal_of_key(request.META[HEADER])
        setattr(request, _PRINCIPAL, known)
    return known


class ApiKeyAuthentication(BaseAuthentication):
    """Lets in who sends a known key."""

    def authenticate(self, request: Request) -> tuple[Principal, None] | None:
        """The principal; None without the header, so that a session may still identify the caller."""
        return (principal_by_key(request._request), None) if HEADER in request.META else None

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return "Bearer"


class StaffSessionAuthentication(SessionAuthentication):
    """Lets in staff with a session, from our own pages or an allowed origin; unsafe methods need the CSRF token."""

    def authenticate(self, request: Request) -> tuple[Principal, None] | None:
        """The member of staff as a principal, or None."""
        principal = staff_principal(request._request)
        if principal is None:
            return None
        refuse_foreign_origin(request)
        self.enforce_csrf(request)
        return principal, None

    def enforce_csrf(self, request: Request) -> None:
        """Raises Forbidden, with the reason that pages are told, if the token is missing or wrong."""
        try:
            super().enforce_csrf(request)
        except PermissionDenied as refused:
            raise Forbidden(BAD_CSRF_TOKEN, details={"reason": "csrf"}) from refused
