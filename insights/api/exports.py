"""The routes that export runs. What they answer is decided before the first byte; the rest is written as it is read."""

from collections.abc import AsyncGenerator

from django.http import StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from insights.api.bodies import read_run_ids
from insights.api.caller import project_of
from insights.api.described import FORM, LISTS, MOST_EVENTS
from insights.api.schemas import RUN_IDS
from insights.bundle import Wanted, open_bundle, require_runs
from insights.exports import EVENTS_OF_EACH, array_export, json_export, line_export
from runs.api import described
from runs.api.query import Query
from runs.api.schemas.shapes import listed, ref
from runs.domain.run_ids import run_id_from

JSON = "application/json"
LINES = "application/x-ndjson"
BUNDLE, LINE = ref("Bundle"), ref("BundleLine")


class ExportView(APIView):
    """/runs/{id}/export"""

    scopes = {"GET": "runs:read"}

    @described.route(query=(*LISTS, *FORM), answer={JSON: BUNDLE, LINES: LINE})
    def get(self, request: Request, run_id: str) -> StreamingHttpResponse:
        """The run as one bundle, or as the same in lines."""
        found, query = run_id_from(run_id), Query(request.query_params)
        limit = query.integer("eventLimit", default=EVENTS_OF_EACH, least=1, most=MOST_EVENTS)
        in_lines = query.choice("format", ("json", "jsonl")) == "jsonl"
        bundle = open_bundle(project_of(request), found, _wanted(query, limit=limit))
        return _written(line_export(bundle), LINES) if in_lines else _written(json_export(bundle), JSON)


class ExportStreamView(APIView):
    """/runs/{id}/export/stream"""

    scopes = {"GET": "runs:read"}

    @described.route(query=LISTS, answer={LINES: LINE})
    def get(self, request: Request, run_id: str) -> StreamingHttpResponse:
        """The run in lines, however long it is."""
        found, query = run_id_from(run_id), Query(request.query_params)
        bundle = open_bundle(project_of(request), found, _wanted(query, limit=None))
        return _written(line_export(bundle), LINES)


class BatchExportView(APIView):
    """/runs/batch/export"""

    scopes = {"POST": "runs:read"}

    @described.route(body=RUN_IDS, status=201, answer=listed(BUNDLE), errors=("RUN_NOT_FOUND",))
    def post(self, request: Request) -> StreamingHttpResponse:
        """Many runs as one array of bundles."""
        run_ids, project_id = read_run_ids(request.data), project_of(request)
        require_runs(project_id, run_ids)
        return _written(array_export(project_id, run_ids), JSON, status=201)


def _wanted(query: Query, *, limit: int | None) -> Wanted:
    wanted = Wanted(
        canonical=query.boolean("includeCanonical", default=True),
        raw=query.boolean("includeRaw", default=False),
        limit=limit,
    )
    query.done()
    return wanted


def _written(chunks: AsyncGenerator[bytes], content_type: str, status: int = 200) -> StreamingHttpResponse:
    # Nobody on the way shall wait for the whole of it.
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(chunks, status=status, content_type=content_type, headers=headers)
