"""Questions about one run and about two: each view parses, calls and renders."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from insights.api.bodies import read_comparison
from insights.api.caller import project_of
from insights.api.schemas import COMPARISON
from insights.comparison import compare
from insights.metrics import metrics_of
from runs.api import described
from runs.api.answers import answer
from runs.api.schemas.shapes import ref
from runs.domain.run_ids import run_id_from


class MetricsView(APIView):
    """/runs/{id}/metrics"""

    scopes = {"GET": "runs:read"}

    @described.route(answer=ref("MetricsSummary"))
    def get(self, request: Request, run_id: str) -> HttpResponse:
        """What was counted for the run."""
        return answer(metrics_of(project_of(request), run_id_from(run_id)))


class CompareView(APIView):
    """/runs/compare"""

    scopes = {"POST": "runs:read"}

    @described.route(body=COMPARISON, status=201, answer=ref("Comparison"), errors=("RUN_NOT_FOUND",))
    def post(self, request: Request) -> HttpResponse:
        """How the right run differs from the left one; nothing is stored."""
        left, right = read_comparison(request.data)
        return answer(compare(project_of(request), left, right), 201)
