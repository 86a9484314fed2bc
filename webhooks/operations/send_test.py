"""A test event: one delivery to one endpoint that speaks of no run, tried once."""

from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from runs.hub import call_queue
from runs.models.identity import uuid7
from webhooks.clock import database_clock
from webhooks.models import Delivery, Endpoint
from webhooks.operations.caller import Caller
from webhooks.operations.listening import require_active
from webhooks.payloads import TEST_EVENT, test_body

TESTED = "webhook.tested"


def send_test(endpoint_id: UUID, caller: Caller) -> Delivery:
    """A test event is due for the endpoint, whatever it subscribes to. Raises NotFound, Conflict where it is inactive.

    It is tried once: whoever waits for it shall learn soon how it went, and it must not come hours later.
    """
    with transaction.atomic():
        endpoint = Endpoint.objects.lock(caller.project_id, endpoint_id)
        require_active(endpoint)
        delivery = Delivery(endpoint=endpoint, project_id=caller.project_id, event_type=TEST_EVENT, event_id=uuid7())
        delivery.body = test_body(event_id=delivery.event_id, at=database_clock())
        delivery.resend_at = delivery.due_at = Now()
        delivery.save(force_insert=True)
        call_queue()
        caller.note(TESTED, endpoint_id, {"deliveryId": str(delivery.id)})
    delivery.refresh_from_db()
    return delivery
