"""GET /runs/{id}/stream: the frames of a run as text/event-stream."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from runs.shutdown import shutdown_of_request
from runs.streaming.event_stream import EventStream, encoded
from runs.streaming.opening import open_stream
from runs.streaming.route import stream_route


@stream_route
async def stream(request: HttpRequest, run_id: UUID | str) -> HttpResponseBase:
    """The run's live stream; 204 if the cursor stands at or past the ending.

    Raises before the first byte: ValidationFailed, Unauthenticated, Forbidden, RunNotFound, CursorAhead, RateLimited.
    """
    opening = await open_stream(request, run_id)
    if opening is None:
        return HttpResponse(status=204)
    return EventStream(encoded(opening.bursts(shutdown_of_request(request)), opening.seat))
