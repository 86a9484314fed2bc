"""Resend: a delivery goes out once more under its own id, whatever has become of it."""

from uuid import UUID

from django.db import transaction

from runs.errors import NotFound
from runs.hub import call_queue
from webhooks.models import Delivery, Endpoint
from webhooks.operations.caller import Caller
from webhooks.operations.listening import require_active

RESENT = "webhook.resent"


def resend_delivery(endpoint_id: UUID, delivery_id: UUID, caller: Caller) -> Delivery:
    """The delivery is due, under the same `webhook-id`; its schedule is not planned anew.

    Raises NotFound, also where either is another one's, and Conflict where the endpoint is inactive.
    """
    with transaction.atomic():
        endpoint = Endpoint.objects.lock(caller.project_id, endpoint_id)
        delivery = Delivery.objects.filter(id=delivery_id, endpoint=endpoint)
        former = delivery.values_list("status", flat=True).first()
        if former is None:
            raise NotFound("there is no such delivery")
        require_active(endpoint)
        delivery.send_again()
        call_queue()
        caller.note(RESENT, endpoint_id, {"deliveryId": str(delivery_id), "from": former})
        return delivery.defer("body").get()
