"""The routes of the circuit breakers: each view parses, calls and renders."""

from datetime import datetime, timedelta

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from runs.api import described
from runs.api.answers import answer
from runs.api.caller import actor_of, project_of
from runs.api.query import Query
from runs.api.requests.nothing import read_nothing
from runs.api.runtime import KIND, kind_of
from runs.api.schemas.bodies import NOTHING
from runs.api.schemas.shapes import ref
from runs.domain.documents import iso
from runs.domain.events import JsonObject
from runs.log_context import current_request_id
from runs.models import BreakerChange
from runs.operations.breaker import breaker_state, reset_breaker
from runs.queries.breakers import breaker_history

WINDOWS = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
}
SINCE = (
    described.word("window", tuple(WINDOWS), default="24h"),
    described.moment("since", "from then on; wins over `window`"),
)


class BreakerResetView(APIView):
    """/admin/circuit-breaker/reset"""

    scopes = {"POST": "admin:write"}

    @described.route(query=(KIND,), body=NOTHING, answer=ref("BreakerReset"), errors=("NOT_FOUND",))
    def post(self, request: Request) -> HttpResponse:
        """The breakers are closed."""
        read_nothing(request.data)
        state = reset_breaker(
            kind=kind_of(request),
            project_id=project_of(request),
            actor=actor_of(request),
            request_id=current_request_id(),
        )
        return answer({"status": "ok", "state": state})


class BreakerHistoryView(APIView):
    """/admin/circuit-breaker/history"""

    scopes = {"GET": "admin:read"}

    @described.route(query=(KIND, *SINCE), answer=ref("BreakerHistory"), errors=("NOT_FOUND",))
    def get(self, request: Request) -> HttpResponse:
        """The state they are in, and how they came to it, oldest first."""
        kind, since = kind_of(request), _since(Query(request.query_params))
        history = [_change_document(change) for change in breaker_history(kind, since)]
        return answer({"state": breaker_state(kind), "history": history})


def _since(query: Query) -> datetime | timedelta:
    window = query.choice("window", tuple(WINDOWS)) or "24h"
    since = query.moment("since")
    query.done()
    return since or WINDOWS[window]


def _change_document(change: BreakerChange) -> JsonObject:
    document: JsonObject = {"state": change.state, "enteredAt": iso(change.entered_at)}
    return document | ({"reason": change.reason} if change.reason else {})
