"""The figures of a dashboard."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from insights.agents import agent_metrics
from insights.api.caller import project_of
from insights.api.described import WINDOW
from insights.api.windows import window_from
from insights.counting import database_now
from insights.overview import overview
from runs.api import described
from runs.api.answers import answer
from runs.api.query import Query
from runs.api.schemas.shapes import listed, ref


class OverviewView(APIView):
    """/dashboard/overview"""

    scopes = {"GET": "runs:read"}

    @described.route(query=WINDOW, answer=ref("Overview"))
    def get(self, request: Request) -> HttpResponse:
        """Key figures, newest runs, health and charts of a window."""
        window = window_from(Query(request.query_params), database_now())
        return answer(overview(project_of(request), window))


class AgentMetricsView(APIView):
    """/dashboard/agents/metrics"""

    scopes = {"GET": "runs:read"}

    @described.route(query=WINDOW, answer=listed(ref("AgentMetrics")))
    def get(self, request: Request) -> HttpResponse:
        """What each agent said in the runs of a window."""
        window = window_from(Query(request.query_params), database_now())
        return answer(agent_metrics(project_of(request), window))
