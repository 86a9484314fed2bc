"""Who is calling: an API key in the Authorization header, or a member of staff with a session."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from runs.errors import Forbidden, Unauthenticated
from runs.models.project import DEFAULT_PROJECT_ID

ALL_SCOPES = frozenset(
    {
        "runs:read",
        "runs:write",
        "runs:cancel",
        "runs:delete",
        "signals:write",
        "webhooks:manage",
        "policies:manage",
        "admin:read",
        "admin:write",
    }
)

EMPTY_TOKEN = "Empty authorization token"  # noqa: S105
INVALID_TOKEN = "Invalid authorization token"  # noqa: S105

_NAMED_KEY = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,63})=(.*[^=].*)")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling: a name for people, an id for limits and audit (never a part of a secret), and scopes.

    `kind` is `api_key` or `user`, the words of the audit's `actorType`.
    """

    id: str
    name: str
    kind: str
    scopes: frozenset[str]
    project_id: UUID = DEFAULT_PROJECT_ID
    is_authenticated: bool = True
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class StaticKey:
    """A key of AUTH_API_KEYS: what it is compared by, and whom it means."""

    digest: bytes
    principal: Principal


@lru_cache(maxsize=8)
def static_keys(entries: tuple[str, ...]) -> tuple[StaticKey, ...]:
    """The keys that the entries of AUTH_API_KEYS (`name=key` or a bare key) describe."""
    return tuple(_static_key(entry) for entry in entries)


def principal_of_header(header: str, entries: Sequence[str]) -> Principal:
    """The principal whose key the Authorization header holds (`Bearer <key>` or the bare key).

    Raises Unauthenticated. Every key is compared, whichever fits: the time tells nothing.
    """
    scheme, _, rest = header.strip().partition(" ")
    token = (rest if scheme.lower() == "bearer" else header).strip()
    if not token:
        raise Unauthenticated(EMPTY_TOKEN)
    digest = hashlib.sha256(token.encode("latin-1", "replace")).digest()
    found = None
    for key in static_keys(tuple(entries)):
        if hmac.compare_digest(key.digest, digest):
            found = key.principal
    if found is None:
        raise Unauthenticated(INVALID_TOKEN)
    return found


def authenticate_stream(request: HttpRequest) -> Principal:
    """Who opens a stream, by API key or staff session; streams are plain views, outside the REST framework.

    Raises Unauthenticated or Forbidden.
    """
    header = request.META.get("HTTP_AUTHORIZATION")
    if header is not None:
        return principal_of_header(header, settings.AUTH_API_KEYS)
    member = staff_principal(request.user)
    if member is None:
        raise Unauthenticated
    _refuse_foreign_origin(request)
    return member


def staff_principal(user: AbstractBaseUser | AnonymousUser | None) -> Principal | None:
    """The principal an active member of staff is, None for everybody else."""
    if user is None or not user.is_active or not getattr(user, "is_staff", False):
        return None
    name = getattr(user, "username", "")
    return Principal(id=f"user:{user.pk}", name=name, kind="user", scopes=ALL_SCOPES)


class ApiKeyAuthentication(BaseAuthentication):
    """Lets in who sends a known key."""

    def authenticate(self, request: Request) -> tuple[Principal, None] | None:
        """The principal; None without the header, so that a session may still identify the caller."""
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        return principal_of_header(header, settings.AUTH_API_KEYS), None

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return "Bearer"


class StaffSessionAuthentication(SessionAuthentication):
    """Lets in staff with a session, from our own pages or an allowed origin; unsafe methods need the CSRF token."""

    def authenticate(self, request: Request) -> tuple[Principal, None] | None:
        """The member of staff as a principal, or None."""
        principal = staff_principal(getattr(request._request, "user", None))
        if principal is None:
            return None
        _refuse_foreign_origin(request)
        self.enforce_csrf(request)
        return principal, None


def _refuse_foreign_origin(request: Request | HttpRequest) -> None:
    origin = request.META.get("HTTP_ORIGIN")
    own = f"{request.scheme}://{request.get_host()}"
    if origin is not None and origin != own and origin not in settings.CORS_ORIGIN:
        raise Forbidden("this origin may not use a staff session", details={"reason": "origin"})


def _static_key(entry: str) -> StaticKey:
    match = _NAMED_KEY.fullmatch(entry)
    name, key = (match[1], match[2]) if match else (_name_of(entry), entry)
    principal = Principal(id=f"key:{name}", name=name, kind="api_key", scopes=ALL_SCOPES)
    return StaticKey(digest=hashlib.sha256(key.encode()).digest(), principal=principal)


def _name_of(key: str) -> str:
    # Keyed, so that nobody can try guesses against a name seen in a log.
    return f"key-{salted_hmac('signalbox.api-key-name', key, algorithm='sha256').hexdigest()[:12]}"
