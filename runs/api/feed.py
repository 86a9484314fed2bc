"""The route that reads events across runs."""

from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from runs import queries
from runs.api import described
from runs.api.answers import answer
from runs.api.caller import project_of
from runs.api.cursor import cursor_of
from runs.api.filters import FeedPage, feed_page
from runs.api.query import Query
from runs.api.schemas.shapes import ref
from runs.domain.documents import event_document
from runs.domain.events import JsonObject

QUERY = (
    described.run_id("runId", "of this run alone, in order of its numbers"),
    described.text("scenarioRef", "of runs whose sourceRef is equal to it, or whose metadata.scenarioRef contains it"),
    described.text("type", "of any of these types, between commas"),
    described.moment("afterTs", "from then on"),
    described.moment("beforeTs", "before then"),
    described.integer("afterSeq", least=0, default=0, description="after this number of its run"),
    described.text("cursor", "the nextCursor of the page before; with runId it goes into afterSeq"),
    described.integer("limit", least=1, most=5000, default=500),
)


class FeedView(APIView):
    """/events"""

    scopes = {"GET": "runs:read"}

    @described.route(query=QUERY, answer=ref("FeedPage"), errors=("RUN_NOT_FOUND",))
    def get(self, request: Request) -> HttpResponse:
        """One page of the events of all runs in order of time, or of one run in order of their numbers."""
        query = Query(request.query_params)
        page = feed_page(query)
        query.done()
        if page.run_id is not None:
            return answer(_of_one_run(project_of(request), page.run_id, page))
        return answer(_of_all_runs(project_of(request), page))


def _of_one_run(project_id: UUID, run_id: UUID, page: FeedPage) -> JsonObject:
    queries.require_run(project_id, run_id)
    document: JsonObject = {"data": [], "total": 0, "limit": page.limit}
    if not queries.is_of_scenario(run_id, page.wanted.scenario_ref):
        return document
    wanted, after = page.wanted.events, page.wanted.after_seq
    rows = queries.filtered_events(project_id, run_id, wanted, after=after, limit=page.limit + 1)
    document["data"] = [event_document(row) for row in rows[: page.limit]]
    document["total"] = queries.count_events(project_id, run_id, wanted)
    if len(rows) > page.limit:
        document["nextCursor"] = rows[page.limit - 1].seq
    return document


def _of_all_runs(project_id: UUID, page: FeedPage) -> JsonObject:
    before = queries.settled_before()
    rows = queries.feed_page(project_id, page.wanted, after=page.after, before=before, limit=page.limit + 1)
    shown = rows[: page.limit]
    counted = queries.count_feed(project_id, page.wanted, before=before)
    document: JsonObject = {
        "data": [event_document(row) for row in shown],
        "total": counted.total,
        "limit": page.limit,
    }
    if counted.is_capped:
        document["totalCapped"] = True
    if len(rows) > page.limit:
        document["nextCursor"] = cursor_of(queries.position_of(shown))
    return document
