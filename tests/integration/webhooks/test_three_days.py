"""A receiver that is down for three days loses nothing; its days are simulated, by a clock of the test's own."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from tests.deliveries import ARRIVED, NOON, REFUSED, Postman, SteppedClock, listening, seconds, statuses, waiting
from webhooks.delivery import next_due
from webhooks.dispatcher import drain
from webhooks.models import Attempt, Delivery
from webhooks.parcel import Parcel
from webhooks.result import Result

pytestmark = pytest.mark.django_db(transaction=True)

THREE_DAYS = timedelta(days=3)


def moments_of_work(clock: SteppedClock, *, until: datetime) -> Iterator[datetime]:
    """Steps from one moment at which something is due to the next."""
    while (due := next_due(clock.now)) is not None and max(due, clock.now) < until:
        clock.to(due)
        yield clock.now
    clock.to(until)


def work(clock: SteppedClock, postman: Postman, *, until: datetime) -> None:
    """Drains whenever something is due, until that moment."""
    for _ in moments_of_work(clock, until=until):
        asyncio.run(drain(for_s=30, horizon_s=0, clock=clock, send=postman, fan_out_some=lambda: 0))


def test_a_receiver_that_is_down_for_three_days_loses_nothing() -> None:
    clock = SteppedClock()
    back_at = NOON + THREE_DAYS

    def receive(parcel: Parcel) -> Result:
        return ARRIVED if parcel.endpoint_id != down.id or clock.now >= back_at else REFUSED

    down, well = listening(), listening()
    for hours in (0, 1, 30, 71):
        waiting(down, 3, due_at=NOON + timedelta(hours=hours))
        waiting(well, 3, due_at=NOON + timedelta(hours=hours))
    postman = Postman(receive)
    work(clock, postman, until=back_at)
    assert statuses() == {"pending": 12, "delivered": 12}
    # It should be tried again and again, and no longer than the breaker lets it.
    assert Delivery.objects.filter(endpoint=well, attempts=1).count() == 12
    assert all(3 <= one.attempts <= 9 for one in Delivery.objects.filter(endpoint=down))

    work(clock, postman, until=back_at + timedelta(days=2))
    assert statuses() == {"delivered": 24}
    assert {parcel.message_id for parcel in postman.sent} == {one.message_id for one in Delivery.objects.all()}
    assert Attempt.objects.filter(is_success=True).count() == 24


def test_every_try_comes_when_the_schedule_says_so_and_the_tenth_is_the_last() -> None:
    clock, postman = SteppedClock(), Postman(lambda parcel: REFUSED)
    waiting(listening())
    work(clock, postman, until=NOON + timedelta(days=30))
    assert statuses() == {"exhausted": 1}
    times = list(Attempt.objects.order_by("number").values_list("started_at", flat=True))
    waits = [later - earlier for earlier, later in pairwise(times)]
    schedule = [seconds(wait) for wait in (5, 30, 300, 1800, 7200, 21600, 43200, 86400, 108000)]
    assert len(times) == 10
    for wait, planned in zip(waits, schedule, strict=True):
        # A breaker that is open adds its minute to the last of them.
        assert planned <= wait <= planned * 1.2 + seconds(61)
    assert times[-1] - times[0] > THREE_DAYS
