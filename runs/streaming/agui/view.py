"""GET /runs/{id}/agui: a run as AG-UI events, for the front ends that speak it."""

import dataclasses
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from runs.shutdown import shutdown_of_request
from runs.streaming.agui.encoder import encoded
from runs.streaming.event_stream import EventStream, seated
from runs.streaming.opening import open_stream
from runs.streaming.route import stream_route


@stream_route
async def agui(request: HttpRequest, run_id: UUID | str) -> HttpResponseBase:
    """The run's live AG-UI stream; 204 if the cursor stands at or past the ending.

    Raises before the first byte what the run's own stream raises.
    """
    opening = await open_stream(request, run_id)
    if opening is None:
        return HttpResponse(status=204)
    # Whatever the cursor, the snapshots hold what was before: a text that was streamed again would be read twice.
    from_now_on = dataclasses.replace(opening.subscription, after=None, include_snapshot=True)
    opening = dataclasses.replace(opening, subscription=from_now_on)
    bursts = opening.bursts(shutdown_of_request(request))
    events = encoded(opening.run_id, opening.admission.principal.project_id, bursts)
    return EventStream(seated(events, opening.seat))
