"""The routes of endpoints: each view parses, calls and renders."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from runs.api import described
from runs.api.answers import answer
from runs.api.once import id_under_key, once_unkept
from runs.api.schemas.shapes import listed, ref
from webhooks import queries
from webhooks.api.bodies import read_change, read_new
from webhooks.api.caller import caller_of, project_of
from webhooks.api.documents import endpoint_document, saved_document
from webhooks.api.ids import id_from
from webhooks.operations.change_endpoint import change_endpoint
from webhooks.operations.create_endpoint import create_endpoint
from webhooks.operations.remove_endpoint import remove_endpoint

SCOPE = "webhooks:manage"


class WebhookListView(APIView):
    """/webhooks"""

    scope = SCOPE

    @described.route(answer=listed(ref("Webhook")))
    def get(self, request: Request) -> HttpResponse:
        """Every webhook, the oldest first."""
        return answer([endpoint_document(row) for row in queries.list_endpoints(project_of(request))])

    @described.route(body=ref("NewWebhook"), status=201, answer=ref("WebhookWithSecret"), errors=("CONFLICT",))
    @once_unkept
    def post(self, request: Request) -> HttpResponse:
        """An address is told of events from now on; its secret is shown this once."""
        terms, endpoint_id = read_new(request.data), id_under_key(request)
        return answer(saved_document(create_endpoint(terms, caller_of(request), endpoint_id=endpoint_id)), 201)


class WebhookView(APIView):
    """/webhooks/{id}"""

    scope = SCOPE

    @described.route(answer=ref("Webhook"), errors=("NOT_FOUND",))
    def get(self, request: Request, webhook_id: str) -> HttpResponse:
        """The webhook, with how it goes."""
        return answer(endpoint_document(queries.shown_endpoint(project_of(request), id_from(webhook_id))))

    @described.route(body=ref("WebhookChange"), answer=ref("WebhookWithSecret"), errors=("NOT_FOUND",))
    def patch(self, request: Request, webhook_id: str) -> HttpResponse:
        """The webhook, changed; with its secret if that was set now."""
        endpoint_id, terms = id_from(webhook_id), read_change(request.data)
        return answer(saved_document(change_endpoint(endpoint_id, terms, caller_of(request))))

    @described.route(status=204)
    def delete(self, request: Request, webhook_id: str) -> HttpResponse:
        """The webhook is not there any more, or was not."""
        remove_endpoint(id_from(webhook_id), caller_of(request))
        return HttpResponse(status=204)
