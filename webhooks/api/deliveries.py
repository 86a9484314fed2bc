"""The routes of what is delivered, and of what is sent once more."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from runs.api import described
from runs.api.answers import answer
from runs.api.once import id_under_key, once
from runs.api.query import Query
from runs.api.requests.nothing import read_nothing
from runs.api.schemas.shapes import closed, page_of, ref
from webhooks import queries
from webhooks.api.bodies import read_replay
from webhooks.api.caller import caller_of, project_of
from webhooks.api.documents import delivery_document, replayed_document, whole_delivery_document
from webhooks.api.ids import id_from, id_of
from webhooks.api.views import SCOPE
from webhooks.models.delivery import DeliveryStatus
from webhooks.operations.replay_deliveries import count_replay, replay_deliveries
from webhooks.operations.resend_delivery import resend_delivery
from webhooks.operations.send_test import send_test
from webhooks.queries import DeliveryFilter

NOTHING = closed()
STATUSES = tuple(status.value for status in DeliveryStatus)
QUERY = (
    described.word("status", STATUSES),
    described.text("event", "of exactly this type"),
    described.run_id("runId", "of this run"),
    *described.page(default=50, most=200),
)
REFUSALS = ("NOT_FOUND", "CONFLICT")


class DeliveryListView(APIView):
    """/webhooks/{id}/deliveries"""

    scope = SCOPE

    @described.route(query=QUERY, answer=page_of(ref("Delivery")), errors=("NOT_FOUND",))
    def get(self, request: Request, webhook_id: str) -> HttpResponse:
        """One page of its deliveries, newest first."""
        endpoint_id, query = id_from(webhook_id), Query(request.query_params)
        status, event = query.choice("status", STATUSES) or "", query.text("event")
        wanted = DeliveryFilter(status=status, event=event, run_id=id_of(query, "runId"))
        limit, offset = query.page(default=50, most=200)
        query.done()
        queries.require_endpoint(project_of(request), endpoint_id)
        rows = queries.list_deliveries(endpoint_id, wanted, limit=limit, offset=offset)
        total = queries.count_deliveries(endpoint_id, wanted)
        data = [delivery_document(row) for row in rows]
        return answer({"data": data, "total": total, "limit": limit, "offset": offset})


class DeliveryView(APIView):
    """/webhooks/{id}/deliveries/{deliveryId}"""

    scope = SCOPE

    @described.route(answer=ref("WholeDelivery"), errors=("NOT_FOUND",))
    def get(self, request: Request, webhook_id: str, delivery_id: str) -> HttpResponse:
        """The delivery, what is sent, and how each try went."""
        endpoint_id, found = id_from(webhook_id), id_from(delivery_id, name="deliveryId")
        delivery = queries.delivery_with_body(project_of(request), endpoint_id, found)
        return answer(whole_delivery_document(delivery, queries.attempts_of(found)))


class ResendView(APIView):
    """/webhooks/{id}/deliveries/{deliveryId}/resend"""

    scope = SCOPE

    @described.route(body=NOTHING, status=201, answer=ref("Delivery"), errors=REFUSALS)
    @once
    def post(self, request: Request, webhook_id: str, delivery_id: str) -> HttpResponse:
        """The delivery, due once more under the same webhook-id."""
        endpoint_id, found = id_from(webhook_id), id_from(delivery_id, name="deliveryId")
        read_nothing(request.data)
        return answer(delivery_document(resend_delivery(endpoint_id, found, caller_of(request))), 201)


class TestEventView(APIView):
    """/webhooks/{id}/test"""

    scope = SCOPE

    @described.route(body=NOTHING, status=201, answer=ref("Delivery"), errors=REFUSALS)
    @once
    def post(self, request: Request, webhook_id: str) -> HttpResponse:
        """A test event is on its way; it is tried once."""
        endpoint_id = id_from(webhook_id)
        read_nothing(request.data)
        return answer(delivery_document(send_test(endpoint_id, caller_of(request))), 201)


class ReplayView(APIView):
    """/webhooks/{id}/replay"""

    scope = SCOPE

    @described.route(
        body=ref("WebhookReplay"),
        status=201,
        answer=ref("WebhookReplayed"),
        errors=(*REFUSALS, "IDEMPOTENCY_KEY_REUSED"),
    )
    @once
    def post(self, request: Request, webhook_id: str) -> HttpResponse:
        """How many deliveries are due once more, or would be."""
        endpoint_id, caller = id_from(webhook_id), caller_of(request)
        wanted, is_dry, key = read_replay(request.data)
        if is_dry:
            return answer(replayed_document(count_replay(endpoint_id, wanted, caller)), 201)
        job = key or str(id_under_key(request))
        return answer(replayed_document(replay_deliveries(endpoint_id, wanted, caller, key=job)), 201)
