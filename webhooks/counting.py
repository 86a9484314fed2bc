"""What is counted of deliveries: once the present transaction has committed, and never if it does not."""

from django.db import transaction

from runs.metrics import WEBHOOK_DELIVERIES, WEBHOOK_SECONDS
from webhooks.models.delivery import DeliveryStatus
from webhooks.result import Result

DELIVERED, FAILED = "delivered", "failed"


def count_attempt(result: Result) -> None:
    """One more attempt, by how it went, with the time it took."""
    status = DELIVERED if result.is_success else FAILED

    def counted() -> None:
        WEBHOOK_DELIVERIES.add(status)
        WEBHOOK_SECONDS.observe(result.duration_ms / 1000, status)

    transaction.on_commit(counted)


def count_given_up(status: DeliveryStatus, number: int = 1) -> None:
    """So many deliveries more were exhausted or cancelled."""
    transaction.on_commit(lambda: WEBHOOK_DELIVERIES.add_many(number, status.value))
