"""Leftovers: what still waits for an endpoint that is disabled or deleted, because there was too much to cancel at once, or
because a fan-out wrote it in that very moment."""

from django.db import connection, transaction

from webhooks.counting import count_given_up
from webhooks.delivery.room import WAITING
from webhooks.models import Delivery
from webhooks.models.delivery import DeliveryStatus

# Whoever has the endpoint locked may be switching it on again.
_LOCK = f"""
WITH RECURSIVE {WAITING}
SELECT e.id FROM webhooks_endpoint e JOIN waiting w ON w.endpoint_id = e.id
 WHERE NOT e.active OR e.deleted_at IS NOT NULL
 ORDER BY e.id LIMIT 1 FOR NO KEY UPDATE OF e SKIP LOCKED
"""  # noqa: S608 - our own pieces


def cancel_leftovers() -> int:
    """Some of what waits for one endpoint that hears nothing more is cancelled; how many. 0: there is nothing of the kind."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_LOCK)
            found = cursor.fetchone()
        cancelled = Delivery.objects.filter(endpoint_id=found[0]).cancel_waiting() if found else 0
        if cancelled:
            count_given_up(DeliveryStatus.CANCELLED, cancelled)
    return cancelled
