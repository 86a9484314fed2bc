"""The routes that show a run again: the descriptor, the stream it names, and the state at any event."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.views import APIView

from runs import bridge, queries
from runs.api import described
from runs.api.answers import answer, answer_text
from runs.api.caller import project_of
from runs.api.documents import replay_document
from runs.api.query import BIGGEST, Query
from runs.api.requests.replay import read_replay, replay_from
from runs.api.schemas.bodies import REPLAY
from runs.api.schemas.shapes import ref
from runs.domain.run_ids import run_id_from
from runs.shutdown import shutdown_of_request
from runs.streaming.admission import admit
from runs.streaming.clock import ProcessClock
from runs.streaming.event_stream import EventStream, encoded
from runs.streaming.recording import recording_of
from runs.streaming.replay import replayed
from runs.streaming.route import stream_route
from runs.streaming.seats import seat

LAST_EVENT_ID = "Last-Event-ID"


class ReplayView(APIView):
    """/runs/{id}/replay"""

    scopes = {"POST": "runs:read"}

    @described.route(body=REPLAY, status=201, answer=ref("Replay"))
    def post(self, request: Request, run_id: str) -> HttpResponse:
        """Where the replay can be seen; nothing is stored."""
        found = run_id_from(run_id)
        asked = read_replay(request.data)
        queries.require_run(project_of(request), found)
        return answer(replay_document(found, asked), 201)


class ReplayStateView(APIView):
    """/runs/{id}/replay/state"""

    scopes = {"GET": "runs:read"}

    @described.route(query=(described.integer("seq", least=0, most=BIGGEST),), answer=ref("Projection"))
    def get(self, request: Request, run_id: str) -> HttpResponse:
        """The projection as it was after event `seq`; as it is now without one."""
        found = run_id_from(run_id)
        query = Query(request.query_params)
        seq = query.optional_integer("seq", least=0, most=BIGGEST)
        query.done()
        return answer_text(queries.state_text(project_of(request), found, up_to=seq))


@stream_route
async def replay_stream(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """/runs/{id}/replay/stream; 204 if nothing is left to show.

    Raises before the first byte: ValidationFailed, Unauthenticated, Forbidden, RunNotFound, RateLimited.
    """
    found = run_id_from(run_id)
    admission = await bridge.rows(admit, request, run_id=found)
    query = Query(request.GET.dict() | {LAST_EVENT_ID: request.headers.get(LAST_EVENT_ID) or "0"})
    asked = replay_from(query)
    seen = query.integer(LAST_EVENT_ID, default=0, least=0, most=BIGGEST)
    query.done()
    recording = await bridge.rows(recording_of, found, admission.principal.project_id, asked, seen=seen)
    if recording.part.is_empty:
        return HttpResponse(status=204)
    clock = ProcessClock(shutdown_of_request(request))
    shown = replayed(recording, asked, clock, recheck=admission.recheck)
    return EventStream(encoded(shown, seat(admission.principal)))
