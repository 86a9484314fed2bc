"""The routes of what a run made or refers to: each view parses, calls and renders."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from runs import queries
from runs.api import described
from runs.api.answers import answer
from runs.api.caller import actor_of, project_of
from runs.api.documents import trace_document
from runs.api.once import id_under_key, once
from runs.api.query import Query
from runs.api.requests.artifact import read_artifact
from runs.api.schemas.bodies import ARTIFACT
from runs.api.schemas.shapes import listed, ref
from runs.domain.documents import artifact_document
from runs.domain.run_ids import run_id_from
from runs.log_context import current_request_id
from runs.operations.artifact import Adding, add_artifact


class ArtifactsView(APIView):
    """/runs/{id}/artifacts"""

    scopes = {"GET": "runs:read", "POST": "runs:write"}

    @described.route(query=described.page(default=1000, most=1000), answer=listed(ref("Artifact")))
    def get(self, request: Request, run_id: str) -> HttpResponse:
        """What the run made or refers to, oldest first."""
        project_id, run = project_of(request), run_id_from(run_id)
        query = Query(request.query_params)
        limit, offset = query.page(default=1000, most=1000)
        query.done()
        rows = queries.artifacts_of(project_id, run, limit=limit, offset=offset)
        if not rows:
            queries.require_run(project_id, run)
        return answer([artifact_document(row) for row in rows])

    @described.route(body=ARTIFACT, status=201, answer=ref("Artifact"))
    @once
    def post(self, request: Request, run_id: str) -> HttpResponse:
        """The artifact, stored; an event says so unless the run has ended."""
        run = run_id_from(run_id)
        adding = Adding(
            project_id=project_of(request),
            run_id=run,
            actor=actor_of(request),
            request_id=current_request_id(),
            artifact_id=id_under_key(request),
        )
        return answer(artifact_document(add_artifact(read_artifact(request.data), adding)), 201)


class TracesView(APIView):
    """/runs/{id}/traces"""

    scopes = {"GET": "runs:read"}

    @described.route(answer=ref("Traces"))
    def get(self, request: Request, run_id: str) -> HttpResponse:
        """Where the run is found in a tracing system, and what was made on the way."""
        return answer(trace_document(queries.trace_of(project_of(request), run_id_from(run_id))))
