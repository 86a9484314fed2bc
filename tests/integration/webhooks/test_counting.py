"""What is counted of deliveries counts once its transaction has committed, and not if it is rolled back."""

import pytest
from django.db import transaction

from runs.metrics.tally import TALLY
from tests.figures import begin_anew
from tests.integration.webhooks.listeners import BROKEN, OK
from webhooks.counting import count_attempt, count_given_up
from webhooks.models.delivery import DeliveryStatus

pytestmark = pytest.mark.django_db(transaction=True)

TOTAL = "macp_webhook_deliveries_total"
SECONDS = "signalbox_webhook_attempt_duration_seconds"


def test_attempts_are_counted_by_how_they_went_with_their_time() -> None:
    begin_anew()
    with transaction.atomic():
        count_attempt(OK)
        count_attempt(BROKEN)
        count_given_up(DeliveryStatus.CANCELLED, 3)
        assert TALLY.take() == {}
    assert TALLY.take() == {
        (TOTAL, ("delivered",)): 1.0,
        (TOTAL, ("failed",)): 1.0,
        (TOTAL, ("cancelled",)): 3.0,
        (f"{SECONDS}_bucket", ("delivered", "0.05")): 1.0,
        (f"{SECONDS}_sum", ("delivered",)): 0.04,
        (f"{SECONDS}_bucket", ("failed", "1.0")): 1.0,
        (f"{SECONDS}_sum", ("failed",)): 0.9,
    }


def test_what_was_rolled_back_is_not_counted() -> None:
    begin_anew()
    with transaction.atomic():
        count_attempt(OK)
        transaction.set_rollback(True)
    assert TALLY.take() == {}
