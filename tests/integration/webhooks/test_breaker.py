"""The breaker of an endpoint: whoever fails again and again is left alone for a minute, and then tried once."""

from datetime import datetime

import pytest

from tests.deliveries import ARRIVED, NOON, REFUSED, endpoint_now, listening, seconds, waiting
from webhooks.delivery import Sent, claim, record, record_all
from webhooks.models import Endpoint
from webhooks.result import Result

pytestmark = pytest.mark.django_db


def after(*results: Result, every_s: float = 1.0) -> Endpoint:
    """An endpoint that was sent one after the other, all claimed before."""
    endpoint = listening()
    waiting(endpoint, len(results))
    parcels = claim(NOON)
    assert len(parcels) == len(results)
    for number, (parcel, result) in enumerate(zip(parcels, results, strict=True)):
        record(parcel, result, NOON + seconds(number * every_s))
    return endpoint


def open_until(endpoint: Endpoint) -> datetime | None:
    return endpoint_now(endpoint).broken_until


@pytest.mark.parametrize(
    ("results", "is_open"),
    [
        ([REFUSED] * 9, False),
        ([REFUSED] * 10, True),
        ([ARRIVED] * 3 + [REFUSED] * 7, True),
        ([ARRIVED] * 4 + [REFUSED] * 9, False),
        ([ARRIVED] * 4 + [REFUSED] * 10, True),
    ],
    ids=["too few", "all", "seven of ten", "nine of thirteen", "ten of fourteen"],
)
def test_it_opens_for_a_minute_when_most_of_many_fail(results: list[Result], is_open: bool) -> None:
    endpoint = after(*results)
    assert open_until(endpoint) == (NOON + seconds(len(results) - 1 + 60) if is_open else None)


def test_failures_of_more_than_five_minutes_ago_do_not_count() -> None:
    assert open_until(after(*[REFUSED] * 10, every_s=33)) is not None
    assert open_until(after(*[REFUSED] * 10, every_s=34)) is None


def test_of_a_busy_endpoint_only_the_newest_hundred_count() -> None:
    endpoint = listening(concurrency=1_000, rate_per_second=10_000)
    waiting(endpoint, 260)
    parcels = [parcel for _ in range(6) for parcel in claim(NOON)]
    record_all([Sent(parcel, ARRIVED) for parcel in parcels[:190]], NOON + seconds(1))
    for number, parcel in enumerate(parcels[190:], start=1):
        assert open_until(endpoint) is None
        record(parcel, REFUSED, NOON + seconds(1 + number))
    assert open_until(endpoint) is not None


def test_what_was_under_way_when_it_opened_leaves_it_as_it_is() -> None:
    endpoint = listening()
    waiting(endpoint, 12)
    *first, late, last = claim(NOON)
    record_all([Sent(parcel, REFUSED) for parcel in first], NOON)
    record(late, REFUSED, NOON + seconds(10))
    assert open_until(endpoint) == NOON + seconds(60)
    record(last, ARRIVED, NOON + seconds(11))
    assert open_until(endpoint) is None


def test_the_next_failure_is_the_probes_and_opens_it_again_and_one_success_closes_it() -> None:
    endpoint = after(*[REFUSED] * 10)
    waiting(endpoint, 5)
    (probe,) = claim(NOON + seconds(600))
    record(probe, REFUSED, NOON + seconds(601))
    assert open_until(endpoint) == NOON + seconds(661)
    (probe,) = claim(NOON + seconds(661))
    record(probe, ARRIVED, NOON + seconds(662))
    assert open_until(endpoint) is None
    assert len(claim(NOON + seconds(663))) > 1
