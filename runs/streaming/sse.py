"""GET /runs/{id}/stream: the frames of a run as text/event-stream."""

import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Protocol, cast
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from runs import bridge
from runs.errors import FieldFault, Forbidden, ValidationFailed
from runs.streaming.frames import Burst, Frame, Shutdown, frames
from runs.streaming.standing import standing_of
from runs.streaming.subscription import subscription_from

RETRY = b"retry: 3000\n\n"
SCOPE = "runs:read"


class Principal(Protocol):
    """Who asks: the project it may see into, and its scopes."""

    @property
    def name(self) -> str: ...
    @property
    def project_id(self) -> UUID: ...
    @property
    def scopes(self) -> object: ...


def event_stream(bursts: AsyncGenerator[Burst]) -> StreamingHttpResponse:
    """The bursts as an event stream that nobody between holds back; they are closed however the reader leaves."""
    return StreamingHttpResponse(
        _body(bursts),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-cache, no-store, no-transform", "X-Accel-Buffering": "no"},
    )


@csrf_exempt  # it changes nothing; without this another method is told of a token, not of GET
@require_GET
async def stream(request: HttpRequest, run_id: UUID | str) -> HttpResponseBase:
    """The run's live stream; 204 if the cursor stands at or past the ending.

    Raises before the first byte: Unauthenticated, Forbidden, ValidationFailed, RunNotFound, CursorAhead.
    """
    principal = await bridge.rows(authenticated, request)
    subscription = subscription_from(request.GET.dict(), request.headers.get("Last-Event-ID"))
    found = _uuid(run_id)
    standing = await bridge.rows(standing_of, found, principal.project_id)
    if standing.has_nothing_after(subscription.after):
        return HttpResponse(status=204)
    return event_stream(frames(found, subscription, standing, shutdown=shutdown_of(request)))


def encode(frame: Frame) -> bytes:
    """The frame in the form of an event stream, blank line included."""
    mark = b"" if frame.id is None else b"id: %d\n" % frame.id
    # Outside a JSON string a line break is just white space; left as it is, it would end the frame.
    return b"event: %s\n%sdata: %s\n\n" % (frame.event.encode(), mark, b" ".join(frame.data.splitlines()))


async def _body(bursts: AsyncGenerator[Burst]) -> AsyncGenerator[bytes]:
    yield RETRY
    # However the reader leaves, closing ends the subscription.
    async with contextlib.aclosing(bursts):
        async for burst in bursts:
            yield b"".join(map(encode, burst))


def authenticated(request: HttpRequest) -> Principal:
    """Who opens the stream. Raises Unauthenticated, or Forbidden without the scope."""
    authenticate: Callable[[HttpRequest], Principal] = import_string(settings.STREAM_AUTHENTICATOR)
    principal = authenticate(request)
    if SCOPE not in cast("frozenset[str]", principal.scopes):
        raise Forbidden(f"the key lacks the scope {SCOPE}")
    return principal


def _uuid(run_id: UUID | str) -> UUID:
    try:
        found = UUID(str(run_id))
    except ValueError:
        found = None
    if found is None or str(found) != str(run_id).lower():  # UUID() also reads braces, URNs and bare digits
        raise ValidationFailed([FieldFault("id", "must be a UUID")])
    return found


def shutdown_of(request: HttpRequest) -> Shutdown | None:
    """What tells when this process begins to stop; None under a server that does not tell."""
    scope: dict[str, object] = getattr(request, "scope", {})
    return cast("Shutdown | None", scope.get("signalbox.shutdown"))
