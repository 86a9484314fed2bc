"""GET /runs/{id}/stream: the frames of a run as text/event-stream."""

import contextlib
from collections.abc import AsyncGenerator
from typing import cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from runs import bridge
from runs.errors import FieldFault, ValidationFailed
from runs.streaming.admission import admit
from runs.streaming.event_stream import EventStream
from runs.streaming.frames import Burst, Frame, Shutdown, frames
from runs.streaming.seats import Seat, seat
from runs.streaming.standing import standing_of
from runs.streaming.subscription import subscription_from

RETRY = b"retry: 3000\n\n"


@csrf_exempt  # it changes nothing; without this another method is told of a token, not of GET
@require_GET
async def stream(request: HttpRequest, run_id: UUID | str) -> HttpResponseBase:
    """The run's live stream; 204 if the cursor stands at or past the ending.

    Raises before the first byte: ValidationFailed, Unauthenticated, Forbidden, RunNotFound, CursorAhead, RateLimited.
    """
    found = _uuid(run_id)
    principal = (await bridge.rows(admit, request, run_id=found)).principal
    subscription = subscription_from(request.GET.dict(), request.headers.get("Last-Event-ID"))
    standing = await bridge.rows(standing_of, found, principal.project_id)
    if standing.has_nothing_after(subscription.after):
        return HttpResponse(status=204)
    return EventStream(_body(frames(found, subscription, standing, shutdown=_shutdown(request)), seat(principal)))


def encode(frame: Frame) -> bytes:
    """The frame in the form of an event stream, blank line included."""
    mark = b"" if frame.id is None else b"id: %d\n" % frame.id
    # Outside a JSON string a line break is just white space; left as it is, it would end the frame.
    return b"event: %s\n%sdata: %s\n\n" % (frame.event.encode(), mark, b" ".join(frame.data.splitlines()))


async def _body(bursts: AsyncGenerator[Burst], taken: Seat) -> AsyncGenerator[bytes]:
    # However the reader leaves, closing ends the subscription and frees the seat.
    with taken:
        yield RETRY
        async with contextlib.aclosing(bursts):
            async for burst in bursts:
                yield b"".join(map(encode, burst))


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
