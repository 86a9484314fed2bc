"""The routes that copy a run, put it on the shelf and bring it back: each view parses, calls and renders."""

from typing import TypedDict
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from runs.api import described
from runs.api.answers import answer
from runs.api.caller import actor_of, project_of
from runs.api.documents import launched_document
from runs.api.once import id_under_key, once
from runs.api.requests import require_still_valid
from runs.api.requests.clone import read_changes
from runs.api.requests.nothing import read_nothing
from runs.api.schemas.bodies import CLONE, NOTHING
from runs.api.schemas.shapes import ref
from runs.audit import Actor
from runs.domain.documents import run_document
from runs.domain.run_ids import run_id_from
from runs.log_context import current_request_id
from runs.operations.archive import archive_run, unarchive_run
from runs.operations.clone import clone_run, request_of_clone

WRITE = {"POST": "runs:write"}


class Shelving(TypedDict):
    """What archiving and its opposite want to know."""

    project_id: UUID
    run_id: UUID
    actor: Actor
    request_id: str | None


class CloneView(APIView):
    """/runs/{id}/clone"""

    scopes = WRITE

    @described.route(
        query=(described.header("traceparent", "the W3C trace that the new run belongs to"),),
        body=CLONE,
        status=201,
        answer=ref("Launched"),
    )
    @once
    def post(self, request: Request, run_id: str) -> HttpResponse:
        """A new run is queued that asks for what this one asked for."""
        project_id, run = project_of(request), run_id_from(run_id)
        wanted = request_of_clone(project_id, run, read_changes(request.data))
        # What was valid once may be no more here: a runtime that is gone, a deployment that only observes.
        require_still_valid(wanted)
        launched = clone_run(
            project_id=project_id,
            run_id=run,
            clone_id=id_under_key(request),
            request=wanted,
            traceparent=request.headers.get("traceparent"),
            actor=actor_of(request),
            request_id=current_request_id(),
        )
        return answer(launched_document(launched), 201)


class ArchiveView(APIView):
    """/runs/{id}/archive"""

    scopes = WRITE

    @described.route(body=NOTHING, status=201, answer=ref("RunRow"))
    @once
    def post(self, request: Request, run_id: str) -> HttpResponse:
        """The run, archived."""
        return answer(run_document(archive_run(**_shelving(request, run_id))), 201)


class UnarchiveView(APIView):
    """/runs/{id}/unarchive"""

    scopes = WRITE

    @described.route(body=NOTHING, status=201, answer=ref("RunRow"))
    @once
    def post(self, request: Request, run_id: str) -> HttpResponse:
        """The run, brought back."""
        return answer(run_document(unarchive_run(**_shelving(request, run_id))), 201)


def _shelving(request: Request, run_id: str) -> Shelving:
    run = run_id_from(run_id)
    read_nothing(request.data)
    return Shelving(
        project_id=project_of(request), run_id=run, actor=actor_of(request), request_id=current_request_id()
    )
