"""The routes of a run's life and log: each view parses, calls and renders."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from runs import queries
from runs.api import described
from runs.api.answers import answer, answer_text
from runs.api.caller import actor_of, project_of
from runs.api.documents import launched_document, preflight_document
from runs.api.filters import STATUSES, EventPage, event_page, run_page
from runs.api.query import Query
from runs.api.requests import read_execution_request
from runs.api.schemas.shapes import listed, page_of, ref
from runs.domain.documents import event_document, late_document, message_document, run_document
from runs.domain.events import JsonObject
from runs.domain.run_ids import run_id_from
from runs.log_context import current_request_id
from runs.operations.delete import delete_run
from runs.operations.launch import launch_run
from runs.operations.validate import validate_request
from runs.recorder.context import redactor

READ = {"GET": "runs:read"}
RUNS_QUERY = (
    described.word("status", STATUSES),
    described.text("tags", "that have all of these tags, between commas"),
    described.moment("createdAfter", "later than this"),
    described.moment("createdBefore", "earlier than this"),
    described.text("environment", "whose metadata.environment is this"),
    described.text("scenarioRef", "whose sourceRef is this, or whose metadata.scenarioRef contains it"),
    described.text("search", "with this in their id, scenarioRef, environment or a tag"),
    described.truth("includeArchived", default=False),
    described.truth("includeSandbox", default=False),
    described.word("sortBy", ("createdAt", "updatedAt"), default="createdAt", description="ties are broken by id"),
    described.word("sortOrder", ("asc", "desc"), default="desc"),
    *described.page(default=50, most=200),
)
EVENTS_QUERY = (
    described.integer("afterSeq", least=0, default=0, description="after this number"),
    described.integer("limit", least=1, most=5000, default=200),
    described.moment("afterTs", "from then on"),
    described.moment("beforeTs", "before then"),
    described.text("type", "of any of these types, between commas"),
)
IDEMPOTENCY_KEY = described.header("Idempotency-Key", "the same as execution.idempotencyKey")
TRACEPARENT = described.header("traceparent", "the W3C trace that the run belongs to")
REQUEST = ref("ExecutionRequest")


class RunListView(APIView):
    """/runs"""

    scopes = {"GET": "runs:read", "POST": "runs:write"}

    @described.route(query=RUNS_QUERY, answer=page_of(ref("RunRow")))
    def get(self, request: Request) -> HttpResponse:
        """One page of the caller's runs."""
        query = Query(request.query_params)
        page = run_page(query)
        query.done()
        rows, total = queries.list_runs(
            project_of(request),
            page.wanted,
            sort_by=page.sort_by,
            descending=page.descending,
            limit=page.limit,
            offset=page.offset,
        )
        data = [run_document(row) for row in rows]
        return answer({"data": data, "total": total, "limit": page.limit, "offset": page.offset})

    @described.route(
        query=(IDEMPOTENCY_KEY, TRACEPARENT),
        body=REQUEST,
        status=201,
        answer=ref("Launched"),
        errors=("INVALID_SESSION_ID", "SESSION_ALREADY_EXISTS", "IDEMPOTENCY_KEY_REUSED"),
    )
    def post(self, request: Request) -> HttpResponse:
        """A run is queued, or was already under this idempotency key."""
        asked = read_execution_request(request.data, idempotency_header=request.headers.get("Idempotency-Key"))
        launched = launch_run(
            project_id=project_of(request),
            request=asked,
            idempotency_key=asked.execution.idempotency_key,
            traceparent=request.headers.get("traceparent"),
            actor=actor_of(request),
            request_id=current_request_id(),
        )
        return answer(launched_document(launched), 201)


class ValidateView(APIView):
    """/runs/validate"""

    scopes = {"POST": "runs:read"}

    @described.route(
        query=(IDEMPOTENCY_KEY,),
        body=REQUEST,
        status=201,
        answer=ref("Preflight"),
        errors=("INVALID_SESSION_ID",),
    )
    def post(self, request: Request) -> HttpResponse:
        """What a launch would meet; nothing is stored."""
        asked = read_execution_request(request.data, idempotency_header=request.headers.get("Idempotency-Key"))
        return answer(preflight_document(validate_request(asked)), 201)


class RunView(APIView):
    """/runs/{id}"""

    scopes = {**READ, "DELETE": "runs:delete"}

    @described.route(answer=ref("RunRow"))
    def get(self, request: Request, run_id: str) -> HttpResponse:
        """The run."""
        return answer(run_document(queries.run_row(project_of(request), run_id_from(run_id))))

    @described.route(status=204, errors=("INVALID_STATE_TRANSITION",))
    def delete(self, request: Request, run_id: str) -> HttpResponse:
        """The run is gone with everything of it."""
        delete_run(
            project_id=project_of(request),
            run_id=run_id_from(run_id),
            actor=actor_of(request),
            request_id=current_request_id(),
        )
        return HttpResponse(status=204)


class StateView(APIView):
    """/runs/{id}/state"""

    scopes = READ

    @described.route(answer=ref("Projection"))
    def get(self, request: Request, run_id: str) -> HttpResponse:
        """The projection, as it is stored."""
        return answer_text(queries.state_text(project_of(request), run_id_from(run_id)))


class EventListView(APIView):
    """/runs/{id}/events"""

    scopes = READ

    @described.route(query=EVENTS_QUERY, answer=ref("Events"))
    def get(self, request: Request, run_id: str) -> HttpResponse:
        """A bare array, or a page where the query filters."""
        project_id, run = project_of(request), run_id_from(run_id)
        query = Query(request.query_params)
        page = event_page(query)
        query.done()
        rows = queries.filtered_events(project_id, run, page.wanted, after=page.after, limit=page.limit + 1)
        if not rows:
            queries.require_run(project_id, run)
        data = [event_document(row) for row in rows[: page.limit]]
        if page.wanted.shows_all:
            return answer(data)
        total = queries.count_events(project_id, run, page.wanted)
        return answer(_page_of_events(page, data, total, has_more=len(rows) > page.limit))


class MessageListView(APIView):
    """/runs/{id}/messages"""

    scopes = READ

    @described.route(query=described.page(default=500, most=1000), answer=listed(ref("Message")))
    def get(self, request: Request, run_id: str) -> HttpResponse:
        """What was sent into the session, oldest first."""
        project_id, run = project_of(request), run_id_from(run_id)
        query = Query(request.query_params)
        limit, offset = query.page(default=500, most=1000)
        query.done()
        rows = queries.messages_of(project_id, run, limit=limit, offset=offset)
        if not rows:
            queries.require_run(project_id, run)
        return answer([message_document(row) for row in rows])


class LateListView(APIView):
    """/runs/{id}/late"""

    scopes = READ

    @described.route(query=described.page(default=200, most=1000), answer=page_of(ref("LateObservation")))
    def get(self, request: Request, run_id: str) -> HttpResponse:
        """One page of what came after the ending or contradicts the log, oldest first."""
        project_id, run = project_of(request), run_id_from(run_id)
        query = Query(request.query_params)
        limit, offset = query.page(default=200, most=1000)
        query.done()
        total = queries.count_late(project_id, run)
        if not total:
            queries.require_run(project_id, run)
        data = [late_document(row, redactor()) for row in queries.late_of(project_id, run, limit=limit, offset=offset)]
        return answer({"data": data, "total": total, "limit": limit, "offset": offset})


def _page_of_events(page: EventPage, data: list[JsonObject], total: int, *, has_more: bool) -> JsonObject:
    document: JsonObject = {"data": data, "total": total, "limit": page.limit}
    if has_more:
        document["nextCursor"] = data[-1]["seq"]
    return document
