"""The route on which a caller asks for a one-time stream ticket."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from runs.api import described
from runs.api.answers import answer
from runs.api.caller import issuer_of, project_of
from runs.api.documents import ticket_document
from runs.api.requests.ticket import read_ticket_request
from runs.api.schemas.bodies import TICKET
from runs.api.schemas.shapes import ref
from runs.operations.ticket import issue_ticket


class StreamTicketsView(APIView):
    """/stream-tickets"""

    scopes = {"POST": "runs:read"}

    @described.route(body=TICKET, status=201, answer=ref("Ticket"), errors=("RUN_NOT_FOUND",))
    def post(self, request: Request) -> HttpResponse:
        """A ticket, told this once."""
        asked = read_ticket_request(request.data, origin_header=request.headers.get("Origin"))
        issued = issue_ticket(
            project_id=project_of(request), run_id=asked.run_id, issuer=issuer_of(request, asked.origin)
        )
        response = answer(ticket_document(issued), 201)
        response["Cache-Control"] = "no-store"
        return response
