"""Remove: an endpoint hears nothing more, and its secrets are gone; its deliveries keep their history."""

from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from runs.errors import NotFound
from webhooks.counting import count_given_up
from webhooks.models import Delivery, Endpoint, EndpointSecret
from webhooks.models.delivery import DeliveryStatus
from webhooks.operations.caller import Caller

DELETED = "webhook.deleted"


def remove_endpoint(endpoint_id: UUID, caller: Caller) -> bool:
    """The endpoint is not there any more; False if it was not, or is another project's, and then nothing was done."""
    with transaction.atomic():
        try:
            endpoint = Endpoint.objects.lock(caller.project_id, endpoint_id, from_new_deliveries=True)
        except NotFound:
            return False
        EndpointSecret.objects.filter(endpoint=endpoint).delete()
        Endpoint.objects.filter(id=endpoint_id).update(
            active=False, deleted_at=Now(), updated_at=Now(), headers_sealed="", header_names=[]
        )
        cancelled = Delivery.objects.filter(endpoint=endpoint).cancel_waiting()
        count_given_up(DeliveryStatus.CANCELLED, cancelled)
        caller.note(DELETED, endpoint_id, {"cancelled": cancelled})
        return True
