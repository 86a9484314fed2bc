"""The routes that do to many runs what the single ones do to one: each run is judged alone."""

from collections.abc import Callable
from typing import TypedDict
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from runs.api import described
from runs.api.answers import answer
from runs.api.caller import actor_of, project_of, way_of
from runs.api.documents import outcome_document
from runs.api.once import once
from runs.api.requests.batch import read_run_ids
from runs.api.schemas.bodies import RUN_IDS
from runs.api.schemas.shapes import listed, ref
from runs.audit import Actor
from runs.log_context import current_request_id
from runs.operations.archive import archive_run
from runs.operations.batch import WAITING_AT_ONCE, WORKING_AT_ONCE, judge_each
from runs.operations.cancel import cancel_run
from runs.operations.delete import delete_run

REASON = "batch cancel"


class Asked(TypedDict):
    """Who asks, whatever for."""

    project_id: UUID
    actor: Actor
    request_id: str | None


class BatchCancelView(APIView):
    """/runs/batch/cancel"""

    scopes = {"POST": "runs:cancel"}

    @described.route(body=RUN_IDS, status=201, answer=listed(ref("BatchOutcome")))
    @once
    def post(self, request: Request) -> HttpResponse:
        """What became of each run: cancelled, failed or pending."""
        asked, through = _asked(request), way_of(request)

        def cancel(run_id: UUID) -> None:
            cancel_run(run_id=run_id, reason=REASON, through=through, **asked)

        return _judged(request, cancel, done="cancelled", at_once=WAITING_AT_ONCE)


class BatchArchiveView(APIView):
    """/runs/batch/archive"""

    scopes = {"POST": "runs:write"}

    @described.route(body=RUN_IDS, status=201, answer=listed(ref("BatchOutcome")))
    @once
    def post(self, request: Request) -> HttpResponse:
        """What became of each run: archived, failed or pending."""
        asked = _asked(request)

        def archive(run_id: UUID) -> None:
            archive_run(run_id=run_id, **asked)

        return _judged(request, archive, done="archived", at_once=WORKING_AT_ONCE)


class BatchDeleteView(APIView):
    """/runs/batch/delete"""

    scopes = {"POST": "runs:delete"}

    @described.route(body=RUN_IDS, status=201, answer=listed(ref("BatchOutcome")))
    @once
    def post(self, request: Request) -> HttpResponse:
        """What became of each run: deleted, failed or pending."""
        asked = _asked(request)

        def delete(run_id: UUID) -> None:
            delete_run(run_id=run_id, **asked)

        return _judged(request, delete, done="deleted", at_once=WORKING_AT_ONCE)


def _asked(request: Request) -> Asked:
    return Asked(project_id=project_of(request), actor=actor_of(request), request_id=current_request_id())


def _judged(request: Request, act: Callable[[UUID], None], *, done: str, at_once: int) -> HttpResponse:
    outcomes = judge_each(read_run_ids(request.data), act, at_once=at_once)
    return answer([outcome_document(outcome, done=done) for outcome in outcomes], 201)
