"""What waits for an endpoint that hears nothing more is cancelled, however much that is and whenever it was written."""

import asyncio

import pytest
from django.db import transaction

from tests.deliveries import ARRIVED, NOON, Postman, endpoint_now, fresh, listening, statuses, waiting
from tests.meanwhile import held
from webhooks.clock import database_clock
from webhooks.delivery import cancel_leftovers, claim, record
from webhooks.dispatcher import Drained, drain
from webhooks.models import Delivery, Endpoint
from webhooks.models import delivery as deliveries
from webhooks.result import Result

pytestmark = pytest.mark.django_db(transaction=True)

GONE = Result(duration_ms=1, status=410, reason="status", wish="gone")


@pytest.fixture
def two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that few are many."""
    monkeypatch.setattr(deliveries, "CANCELLED_AT_ONCE", 2)


@pytest.mark.usefixtures("two_at_once")
def test_an_endpoint_is_disabled_at_once_however_much_waits_and_the_rest_is_cancelled_by_and_by() -> None:
    endpoint, other = listening(), listening()
    waiting(endpoint, 8)
    waiting(other, 3)
    parcel = next(one for one in claim(NOON, limit=4) if one.endpoint_id == endpoint.id)
    assert record(parcel, GONE, NOON)
    assert not endpoint_now(endpoint).active
    assert statuses() == {"cancelled": 3, "pending": 8}
    assert [cancel_leftovers() for _ in range(4)] == [2, 2, 1, 0]
    assert statuses() == {"cancelled": 8, "pending": 3}


@pytest.mark.usefixtures("two_at_once")
def test_a_drain_does_not_end_before_all_of_it_is_cancelled() -> None:
    waiting(listening(active=False), 9, due_at=database_clock())
    assert asyncio.run(drain(for_s=30, send=Postman(), fan_out_some=lambda: 0)) == Drained()
    assert statuses() == {"cancelled": 9}


def test_what_a_fan_out_wrote_while_its_endpoint_was_disabled_is_cancelled() -> None:
    endpoint = listening()
    waiting(endpoint)
    (parcel,) = claim(NOON)

    def fan_out() -> None:
        list(Endpoint.objects.raw("SELECT id FROM webhooks_endpoint WHERE active FOR KEY SHARE"))
        waiting(endpoint)

    with held(fan_out) as open_transaction:
        assert record(parcel, GONE, NOON)
        open_transaction.commit()
    assert cancel_leftovers() == 1
    assert statuses() == {"cancelled": 2}


def test_what_waits_for_a_pause_to_end_or_for_its_time_is_left_alone() -> None:
    waiting(listening(paused_at=NOON))
    waiting(listening())
    assert cancel_leftovers() == 0
    assert statuses() == {"pending": 2}


def test_an_endpoint_that_is_being_switched_on_is_left_alone() -> None:
    waiting(listening(active=False))
    with held(lambda: Endpoint.objects.update(active=True)):
        assert cancel_leftovers() == 0
    assert cancel_leftovers() == 0
    assert statuses() == {"pending": 1}


def test_what_was_under_way_then_may_still_arrive() -> None:
    endpoint = listening()
    (delivery,) = waiting(endpoint)
    (parcel,) = claim(NOON)
    Endpoint.objects.update(active=False)
    assert cancel_leftovers() == 1
    with transaction.atomic():
        assert record(parcel, ARRIVED, NOON)
    assert (fresh(delivery).status, Delivery.objects.count()) == ("delivered", 1)
