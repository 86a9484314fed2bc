"""The routes that repair: what is derived from a log is made anew, and a run that nobody watches is taken up."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from runs.api import described
from runs.api.answers import answer
from runs.api.caller import actor_of, project_of
from runs.api.documents import recovery_document
from runs.api.once import once
from runs.api.requests.nothing import read_nothing
from runs.api.schemas.bodies import NOTHING
from runs.api.schemas.shapes import ref
from runs.domain.projection import public_state
from runs.domain.run_ids import run_id_from
from runs.log_context import current_request_id
from runs.operations.rebuild import rebuild_asked_for
from runs.operations.recover import recover_run

RECOVERY_ERRORS = ("INVALID_STATE_TRANSITION", "RUNTIME_UNAVAILABLE", "RUNTIME_TIMEOUT")


class RebuildView(APIView):
    """/runs/{id}/projection/rebuild"""

    scopes = {"POST": "runs:write"}

    @described.route(body=NOTHING, status=201, answer=ref("RebuiltProjection"))
    def post(self, request: Request, run_id: str) -> HttpResponse:
        """The projection, made anew from every event of the run."""
        run = run_id_from(run_id)
        read_nothing(request.data)
        rebuilt = rebuild_asked_for(
            project_id=project_of(request), run_id=run, actor=actor_of(request), request_id=current_request_id()
        )
        return answer({**public_state(rebuilt.state), "rebuilt": True, "latestSeq": rebuilt.latest_seq}, 201)


class RecoverView(APIView):
    """/runs/{id}/recover"""

    scopes = {"POST": "runs:write"}

    @described.route(body=NOTHING, status=201, answer=ref("Recovery"), errors=RECOVERY_ERRORS)
    @once
    def post(self, request: Request, run_id: str) -> HttpResponse:
        """A run that nobody watches was taken over by an observer; nothing is done to one whose observer lives."""
        run = run_id_from(run_id)
        read_nothing(request.data)
        recovery = recover_run(
            project_id=project_of(request), run_id=run, actor=actor_of(request), request_id=current_request_id()
        )
        return answer(recovery_document(recovery), 201)
