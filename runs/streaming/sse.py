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
from runs.streaming.frame import Burst
from runs.streaming.frames import Shutdown, frames
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


@csrf_exempt  # it changes nothing; without this another method is told of a token, not of GET
@require_GET
async def stream(request: HttpRequest, run_id: UUID | str) -> HttpResponseBase:
    """The run's live stream; 204 if the cursor stands at or past the ending.

    Raises before the first byte: Unauthenticated, Forbidden, ValidationFailed, RunNotFound, CursorAhead.
    """
    principal = await bridge.rows(_authenticated, request)
    subscription = subscription_from(request.GET.dict(), request.headers.get("Last-Event-ID"))
    found = _uuid(run_id)
    standing = await bridge.rows(standing_of, found, principal.project_id)
    if standing.has_nothing_after(subscription.after):
        return HttpResponse(status=204)
    return StreamingHttpResponse(
        _body(frames(found, subscription, standing, shutdown=_shutdown(request))),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-cache, no-store, no-transform", "X-Accel-Buffering": "no"},
    )


async def _body(bursts: AsyncGenerator[Burst]) -> AsyncGenerator[bytes]:
    yield RETRY
    # However the reader leaves, closing ends the subscription.
    async with contextlib.aclosing(bursts):
        async for burst in bursts:
            yield burst[0].sse if len(burst) == 1 else b"".join(frame.sse for frame in burst)


def _authenticated(request: HttpRequest) -> Principal:
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


def _shutdown(request: HttpRequest) -> Shutdown | None:
    scope: dict[str, object] = getattr(request, "scope", {})
    return cast("Shutdown | None", scope.get("signalbox.shutdown"))
