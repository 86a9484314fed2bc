"""Who may open a stream, and stay: the same for SSE and WebSocket, for the stream of a run and for that of summaries.

    Authorization header  ->  ticket  ->  staff session

The first of them that the request brings decides. A header stands for a program: cookies and ticket are not looked at.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from runs.errors import Forbidden, Unauthenticated
from runs.models import Ticket

SCOPE = "runs:read"
BAD_TICKET = "Invalid, used or expired ticket"


class Principal(Protocol):
    """Who asks: the project it may see into, its scopes, and what it showed (see STREAM_REAUTHENTICATOR)."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def project_id(self) -> UUID: ...
    @property
    def scopes(self) -> frozenset[str]: ...
    @property
    def credential(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Admission:
    """Somebody was let in, on a credential that may be withdrawn while the stream is open."""

    principal: Principal

    @property
    def credential(self) -> str:
        """Names what they showed."""
        return self.principal.credential

    def recheck(self) -> None:
        """They may stay. Touches rows.

        Raises Unauthenticated (the key was revoked or removed or has expired, the session has ended, its user is no
        active member of staff) or Forbidden (the scope was taken away).
        """
        _require_scope(_holder_of(self.principal.credential))


def admit(request: HttpRequest, *, run_id: UUID | None) -> Admission:
    """The caller may read the streams of the run, or that of summaries where it is None. Touches rows.

    A ticket that was shown is used up, whatever comes of it. Whether the caller's project has the run is for
    `standing_of` to say. Counts as one request of the caller. Raises Unauthenticated, Forbidden or RateLimited.
    """
    count: Callable[[HttpRequest, Principal | None], None] = import_string(settings.STREAM_THROTTLE)
    try:
        principal = _identified(request, run_id)
    except (Unauthenticated, Forbidden):
        count(request, None)
        raise
    count(request, principal)
    _require_scope(principal)
    return Admission(principal)


def _identified(request: HttpRequest, run_id: UUID | None) -> Principal:
    ticket = request.GET.get("ticket")
    if ticket is None or "Authorization" in request.headers:
        authenticate: Callable[[HttpRequest], Principal] = import_string(settings.STREAM_AUTHENTICATOR)
        return authenticate(request)
    return _holder_of_ticket(ticket, run_id, request)


def _holder_of(credential: str) -> Principal:
    reauthenticate: Callable[[str], Principal] = import_string(settings.STREAM_REAUTHENTICATOR)
    return reauthenticate(credential)


def _require_scope(principal: Principal) -> None:
    if SCOPE not in principal.scopes:
        raise Forbidden(f"the scope {SCOPE} is missing", details={"scope": SCOPE})


def _holder_of_ticket(secret: str, run_id: UUID | None, request: HttpRequest) -> Principal:
    """Whoever asked for the ticket, as they stand now."""
    ticket = Ticket.objects.use(secret)
    if ticket is None or ticket.run_id != run_id:
        raise Unauthenticated(BAD_TICKET)
    if not _is_same_page(ticket.origin, request):
        raise Forbidden("this ticket was made for another origin", details={"reason": "origin"})
    return _holder_of(ticket.credential)


def _is_same_page(asked_from: str | None, request: HttpRequest) -> bool:
    """True if the ticket is used from the origin it was asked for from, or neither was a page."""
    origin = request.headers.get("Origin")
    if origin is None and asked_from is not None and request.headers.get("Sec-Fetch-Site") == "same-origin":
        # Browsers leave the origin out when a page of ours opens an EventSource.
        return urlsplit(asked_from).netloc == request.get_host()
    return origin == asked_from
