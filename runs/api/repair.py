"""The route that makes what is derived from a log anew."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from runs.api import described
from runs.api.answers import answer
from runs.api.caller import actor_of, project_of
from runs.api.requests.nothing import read_nothing
from runs.api.schemas.bodies import NOTHING
from runs.api.schemas.shapes import ref
from runs.domain.projection import public_state
from runs.domain.run_ids import run_id_from
from runs.log_context import current_request_id
from runs.operations.rebuild import rebuild_asked_for


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
