"""The routes that want something of a run: each view parses, calls and renders."""

from typing import TypedDict
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from runs.api import described
from runs.api.answers import answer
from runs.api.caller import actor_of, project_of, way_of
from runs.api.once import once
from runs.api.requests.reason import read_reason
from runs.api.schemas.bodies import REASON
from runs.api.schemas.shapes import ref
from runs.audit import Actor
from runs.domain.documents import run_document
from runs.domain.endings import DecidedBy
from runs.domain.run_ids import run_id_from
from runs.log_context import current_request_id
from runs.operations.cancel import cancel_run
from runs.operations.resume import resume_run
from runs.operations.suspend import suspend_run

SCOPES = {"POST": "runs:cancel"}
ERRORS = (
    "INVALID_STATE_TRANSITION",
    "RUNTIME_REJECTED",
    "RUNTIME_UNAVAILABLE",
    "CIRCUIT_BREAKER_OPEN",
    "RUNTIME_TIMEOUT",
)
ROW = ref("RunRow")


class Asked(TypedDict):
    """What every operation of this file wants to know."""

    project_id: UUID
    run_id: UUID
    reason: str | None
    actor: Actor
    through: DecidedBy
    request_id: str | None


class CancelView(APIView):
    """/runs/{id}/cancel"""

    scopes = SCOPES

    @described.route(body=REASON, status=201, answer=ROW, errors=(*ERRORS, "CALLBACK_FAILED"))
    @once
    def post(self, request: Request, run_id: str) -> HttpResponse:
        """The run, cancelled."""
        return answer(run_document(cancel_run(**_asked(request, run_id))), 201)


class SuspendView(APIView):
    """/runs/{id}/suspend"""

    scopes = SCOPES

    @described.route(body=REASON, status=201, answer=ROW, errors=(*ERRORS, "NOT_IMPLEMENTED"))
    @once
    def post(self, request: Request, run_id: str) -> HttpResponse:
        """The run, suspended."""
        return answer(run_document(suspend_run(**_asked(request, run_id))), 201)


class ResumeView(APIView):
    """/runs/{id}/resume"""

    scopes = SCOPES

    @described.route(body=REASON, status=201, answer=ROW, errors=(*ERRORS, "NOT_IMPLEMENTED"))
    @once
    def post(self, request: Request, run_id: str) -> HttpResponse:
        """The run, running again."""
        return answer(run_document(resume_run(**_asked(request, run_id))), 201)


def _asked(request: Request, run_id: str) -> Asked:
    return Asked(
        project_id=project_of(request),
        run_id=run_id_from(run_id),
        reason=read_reason(request.data),
        actor=actor_of(request),
        through=way_of(request),
        request_id=current_request_id(),
    )
