"""When the next attempt may be claimed: what a drain waits for."""

import pytest

from tests.deliveries import ARRIVED, NOON, REFUSED, listening, seconds, waiting
from webhooks.delivery import claim, next_due, record
from webhooks.models import Endpoint

pytestmark = pytest.mark.django_db


def test_nothing_waits_for_anybody() -> None:
    assert next_due(NOON) is None
    waiting(listening(paused_at=NOON))
    waiting(listening(active=False))
    waiting(listening(deleted_at=NOON))
    waiting(listening(), status="delivered")
    assert next_due(NOON) is None


def test_the_first_of_all_endpoints_counts() -> None:
    waiting(listening(), due_at=NOON + seconds(30))
    waiting(listening(), due_at=NOON + seconds(20))
    assert next_due(NOON) == NOON + seconds(20)
    waiting(listening(), due_at=NOON - seconds(20))
    assert next_due(NOON) == NOON - seconds(20)


def test_what_is_being_sent_is_due_again_when_its_claim_is_over() -> None:
    waiting(listening())
    (parcel,) = claim(NOON)
    assert next_due(NOON) == NOON + seconds(45)
    record(parcel, ARRIVED, NOON)
    assert next_due(NOON) is None


def test_an_endpoint_that_is_sent_all_it_wants_at_once_waits_for_the_first_of_these() -> None:
    endpoint = listening(concurrency=2)
    waiting(endpoint, 3)
    first, _ = claim(NOON)
    assert next_due(NOON) == NOON + seconds(45)
    record(first, REFUSED, NOON + seconds(1), jitter=lambda: 0.0)
    assert next_due(NOON + seconds(1)) == NOON


def test_the_pace_of_an_endpoint_is_waited_for() -> None:
    waiting(listening(rate_per_second=2), 3)
    claim(NOON)
    assert next_due(NOON) == NOON + seconds(0.5)
    assert claim(NOON + seconds(0.499)) == []
    assert len(claim(NOON + seconds(0.5))) == 1


def test_an_open_breaker_is_waited_for() -> None:
    waiting(listening(broken_until=NOON + seconds(60)))
    assert next_due(NOON) == NOON + seconds(60)
    assert len(claim(NOON + seconds(60))) == 1


def test_what_is_due_can_be_claimed_and_nothing_before() -> None:
    """However the limits meet: the moment that is told is the first at which a claim finds something."""
    moment = NOON
    endpoint = listening(rate_per_second=5, concurrency=2)
    waiting(endpoint, 6)
    for _ in range(4):
        moment = next_due(moment) or moment
        assert claim(moment - seconds(0.002)) == []
        parcels = claim(moment)
        assert len(parcels) >= 1
        for parcel in parcels:
            record(parcel, ARRIVED, moment)
    assert Endpoint.objects.get().last_success_at == moment
