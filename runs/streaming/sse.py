"""GET /runs/{id}/stream: the frames of a run as text/event-stream."""

import contextlib
from collections.abc import AsyncGenerator
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from runs.shutdown import Shutdown, shutdown_of
from runs.streaming.event_stream import EventStream
from runs.streaming.opening import Opening, open_stream

RETRY = b"retry: 3000\n\n"


@csrf_exempt  # it changes nothing; without this another method is told of a token, not of GET
@require_GET
async def stream(request: HttpRequest, run_id: UUID | str) -> HttpResponseBase:
    """The run's live stream; 204 if the cursor stands at or past the ending.

    Raises before the first byte: ValidationFailed, Unauthenticated, Forbidden, RunNotFound, CursorAhead, RateLimited.
    """
    opening = await open_stream(request, run_id)
    if opening is None:
        return HttpResponse(status=204)
    return EventStream(_body(opening, shutdown_of(getattr(request, "scope", {}))))


async def _body(opening: Opening, shutdown: Shutdown) -> AsyncGenerator[bytes]:
    # However the reader leaves, closing ends the subscription and frees the seat.
    with opening.seat:
        yield RETRY
        async with contextlib.aclosing(opening.bursts(shutdown)) as bursts:
            async for burst in bursts:
                yield burst[0].sse if len(burst) == 1 else b"".join(frame.sse for frame in burst)
