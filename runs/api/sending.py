"""The routes on which something is said into a run: each view parses, calls and renders."""

from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from runs.api import described
from runs.api.answers import answer
from runs.api.caller import actor_of, project_of
from runs.api.documents import accepted_document, acknowledged_document
from runs.api.once import id_under_key, once
from runs.api.requests.speech import read_context, read_message, read_signal
from runs.api.schemas import bodies
from runs.api.schemas.shapes import ref
from runs.api.views import MessageListView
from runs.domain.run_ids import run_id_from
from runs.errors import EndpointRemoved
from runs.log_context import current_request_id
from runs.operations.context import update_context
from runs.operations.say import Occasion
from runs.operations.send import send_message
from runs.operations.signal import send_signal

SEND = {"POST": "signals:write"}
ERRORS = (
    *("INVALID_STATE_TRANSITION", "ENDPOINT_REMOVED", "NOT_IMPLEMENTED", "RUNTIME_REJECTED", "RUNTIME_UNAVAILABLE"),
    *("CIRCUIT_BREAKER_OPEN", "RUNTIME_TIMEOUT"),
)


class MessagesView(MessageListView):
    """/runs/{id}/messages"""

    scopes = {**MessageListView.scopes, **SEND}

    @described.route(body=bodies.MESSAGE, status=201, answer=ref("Accepted"), errors=ERRORS)
    @once
    def post(self, request: Request, run_id: str) -> HttpResponse:
        """A message is said into the session, and the runtime has accepted it."""
        occasion = _occasion(request, run_id)
        return answer(accepted_document(send_message(read_message(request.data), occasion)), 201)


class SignalView(APIView):
    """/runs/{id}/signal"""

    scopes = SEND

    @described.route(body=bodies.SIGNAL, status=201, answer=ref("Acknowledged"), errors=ERRORS)
    @once
    def post(self, request: Request, run_id: str) -> HttpResponse:
        """A signal is called out beside the session, and the runtime has accepted it."""
        occasion = _occasion(request, run_id)
        return answer(acknowledged_document(send_signal(read_signal(request.data), occasion)), 201)


class ContextView(APIView):
    """/runs/{id}/context"""

    scopes = SEND

    @described.route(body=bodies.CONTEXT, status=201, answer=ref("Acknowledged"), errors=ERRORS)
    @once
    def post(self, request: Request, run_id: str) -> HttpResponse:
        """The participants are told what changed, and the runtime has accepted it."""
        occasion = _occasion(request, run_id)
        return answer(acknowledged_document(update_context(read_context(request.data), occasion)), 201)


def _occasion(request: Request, run_id: str) -> Occasion:
    """Raises ValidationFailed for an ill-formed id, EndpointRemoved where this deployment only observes."""
    run: UUID = run_id_from(run_id)
    if settings.SIGNALBOX_OBSERVER_ONLY:
        raise EndpointRemoved
    return Occasion(
        project_id=project_of(request),
        run_id=run,
        actor=actor_of(request),
        request_id=current_request_id(),
        message_id=id_under_key(request),
    )
