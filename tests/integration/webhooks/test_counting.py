"""What is counted of deliveries counts once its transaction has committed, and not if it is rolled back."""

import pytest
from django.db import transaction
from django.test import Client

from runs.metrics.tally import TALLY
from tests.deliveries import NOON, listening, waiting
from tests.figures import begin_anew
from tests.integration.webhooks.listeners import BROKEN, OK
from tests.integration.webhooks.subscribed import changed
from webhooks.counting import count_attempt, count_given_up
from webhooks.delivery import claim, record
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


def counted() -> dict[str, float]:
    """How often each status was counted since `begin_anew`."""
    return {values[0]: number for (name, values), number in TALLY.take().items() if name == TOTAL}


def test_what_is_recorded_is_counted_and_what_is_given_up_too(caller: Client) -> None:
    endpoint = listening()
    waiting(endpoint)
    waiting(endpoint, tries=9, attempts=9)
    begin_anew()
    for parcel, result in zip(sorted(claim(NOON), key=lambda one: one.attempt), (OK, BROKEN), strict=True):
        assert record(parcel, result, NOON)
    assert counted() == {"delivered": 1.0, "failed": 1.0, "exhausted": 1.0}

    for end in (
        lambda: changed(caller, str(endpoint.id), active=False),
        lambda: caller.delete(f"/webhooks/{endpoint.id}"),
    ):
        waiting(endpoint)
        end()
        assert counted() == {"cancelled": 1.0}


def test_what_was_rolled_back_is_not_counted() -> None:
    begin_anew()
    with transaction.atomic():
        count_attempt(OK)
        transaction.set_rollback(True)
    assert TALLY.take() == {}


def test_what_is_cancelled_while_it_is_under_way_is_counted_once(caller: Client) -> None:
    endpoint = listening()
    waiting(endpoint)
    (parcel,) = claim(NOON)
    begin_anew()
    changed(caller, str(endpoint.id), active=False)
    assert record(parcel, BROKEN, NOON)
    assert counted() == {"failed": 1.0, "cancelled": 1.0}
