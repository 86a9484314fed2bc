"""Whatever is claimed, recorded and left lying in whatever order: every endpoint is sent what its limits allow, and that."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.deliveries import ARRIVED, NOON, REFUSED, SteppedClock, endpoint_now, listening, seconds, waiting
from webhooks.delivery import claim, record
from webhooks.delivery.lock import lock_time
from webhooks.delivery.room import BURST_S
from webhooks.models import Endpoint
from webhooks.parcel import Parcel

pytestmark = pytest.mark.django_db

WAITING = 12

endpoints = st.lists(
    st.fixed_dictionaries(
        {"rate_per_second": st.sampled_from([0.5, 2.0, 10.0, 1_000.0]), "concurrency": st.integers(1, 6)},
        optional={"paused_at": st.just(NOON), "active": st.just(False)},
    ),
    min_size=1,
    max_size=4,
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("claim"), st.integers(1, 15)),
        st.tuples(st.just("arrive"), st.integers(0, 20)),
        st.tuples(st.just("fail"), st.integers(0, 20)),
        st.tuples(st.just("forward"), st.sampled_from([0.0, 0.05, 0.3, 1.0, 7.0, 50.0])),
    ),
    min_size=4,
    max_size=40,
)


class World:
    """What has been claimed, beside what the rows say."""

    def __init__(self, made: Sequence[Endpoint]) -> None:
        self.clock = SteppedClock()
        self.endpoints = {one.id: one for one in made}
        self.under_way: list[tuple[Parcel, datetime]] = []
        self.claimed_at: dict[UUID, list[datetime]] = defaultdict(list)

    def claim(self, limit: int) -> None:
        was_broken = {one.id: endpoint_now(one).broken_until for one in self.endpoints.values()}
        parcels = claim(self.clock.now, limit=limit)
        for parcel in parcels:
            assert all(parcel.delivery_id != held.delivery_id for held in self.held()), "somebody else is at it"
            self.under_way.append((parcel, self.clock.now))
            self.claimed_at[parcel.endpoint_id].append(self.clock.now)
        assert len(parcels) <= limit
        assert_fair(parcels)
        for endpoint in self.endpoints.values():
            self.assert_within_limits(endpoint, was_broken[endpoint.id])
        if len(parcels) < limit:
            assert claim(self.clock.now) == [], "something was left lying"

    def held(self) -> list[Parcel]:
        return [parcel for parcel, claimed_at in self.under_way if claimed_at + lock_time() > self.clock.now]

    def assert_within_limits(self, endpoint: Endpoint, broken_until: datetime | None) -> None:
        at_once = sum(parcel.endpoint_id == endpoint.id for parcel in self.held())
        assert at_once <= (endpoint.concurrency or 0)
        times = self.claimed_at[endpoint.id]
        if times and (endpoint.paused_at or not endpoint.active):
            raise AssertionError("it does not listen")
        rate = endpoint.rate_per_second
        burst = max(1.0, rate * BURST_S)
        for number, since in enumerate(times):
            passed = (times[-1] - since).total_seconds()
            assert len(times) - number <= burst + rate * passed + 1e-3, "too fast"
        if broken_until is not None and times and times[-1] == self.clock.now:
            assert broken_until <= self.clock.now, "its breaker is open"
            assert at_once <= max(1, at_once - times.count(self.clock.now) + 1), "more than a probe"

    def finish(self, index: int, *, arrives: bool) -> None:
        if self.under_way:
            parcel, claimed_at = self.under_way.pop(index % len(self.under_way))
            is_newest = all(parcel.delivery_id != other.delivery_id for other, _ in self.under_way)
            counted = record(parcel, ARRIVED if arrives else REFUSED, self.clock.now)
            # Whoever comes late counts as long as nobody has claimed it anew.
            assert counted or not is_newest or claimed_at + lock_time() <= self.clock.now


def assert_fair(parcels: Sequence[Parcel]) -> None:
    """The k-th of an endpoint comes before the k+1-th of any."""
    ranks, seen = [], Counter[UUID]()
    for parcel in parcels:
        seen[parcel.endpoint_id] += 1
        ranks.append(seen[parcel.endpoint_id])
    assert ranks == sorted(ranks)


@settings(max_examples=40, deadline=None)
@given(wanted=endpoints, acts=steps)
def test_claims_keep_the_limits_of_every_endpoint_whatever_happens(
    wanted: list[dict[str, object]], acts: list[tuple[str, float]]
) -> None:
    with transaction.atomic():
        made = [listening(**columns) for columns in wanted]
        for endpoint in made:
            waiting(endpoint, WAITING, due_at=NOON + seconds(0.1))
        world = World(made)
        for act, amount in acts:
            if act == "claim":
                world.claim(int(amount))
            elif act == "forward":
                world.clock.forward(amount)
            else:
                world.finish(int(amount), arrives=act == "arrive")
        transaction.set_rollback(True)
