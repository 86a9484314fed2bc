"""GET /runs/{id}/agui: a run as AG-UI events, for the front ends that speak it."""

import contextlib
import dataclasses
from collections.abc import AsyncGenerator
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from runs import bridge
from runs.streaming import sse
from runs.streaming.agui.encoder import encoded
from runs.streaming.frame import Burst
from runs.streaming.frames import frames
from runs.streaming.standing import standing_of
from runs.streaming.subscription import Subscription, subscription_from


@dataclasses.dataclass(frozen=True, slots=True)
class _Opening:
    """A stream that may begin: of which run, with which frames; `seat` is taken for as long as it lasts."""

    run_id: UUID
    project_id: UUID
    bursts: AsyncGenerator[Burst]
    seat: contextlib.AbstractContextManager[object]


@csrf_exempt  # it changes nothing; without this another method is told of a token, not of GET
@require_GET
async def agui(request: HttpRequest, run_id: UUID | str) -> HttpResponseBase:
    """The run's live AG-UI stream; 204 if the cursor stands at or past the ending.

    Raises before the first byte what the run's own stream raises.
    """
    opening = await _open(request, run_id)
    if opening is None:
        return HttpResponse(status=204)
    return StreamingHttpResponse(
        _body(opening),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-cache, no-store, no-transform", "X-Accel-Buffering": "no"},
    )


async def _open(request: HttpRequest, run_id: UUID | str) -> _Opening | None:
    principal = await bridge.rows(sse._authenticated, request)
    subscription = subscription_from(request.GET.dict(), request.headers.get("Last-Event-ID"))
    found = sse._uuid(run_id)
    standing = await bridge.rows(standing_of, found, principal.project_id)
    if standing.has_nothing_after(subscription.after):
        return None
    bursts = frames(found, _from_now_on(subscription), standing, shutdown=sse._shutdown(request))
    return _Opening(found, principal.project_id, bursts, contextlib.nullcontext())


def _from_now_on(subscription: Subscription) -> Subscription:
    # Whatever the cursor, the snapshots hold what was before: a text that was streamed again would be read twice.
    return dataclasses.replace(subscription, after=None, include_snapshot=True)


async def _body(opening: _Opening) -> AsyncGenerator[bytes]:
    # However the reader leaves, closing ends the subscription and frees the seat.
    with opening.seat:
        yield sse.RETRY
        async with contextlib.aclosing(encoded(opening.run_id, opening.project_id, opening.bursts)) as chunks:
            async for chunk in chunks:
                yield chunk
