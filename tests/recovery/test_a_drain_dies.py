"""W01, W02, W14: whatever becomes of a drain, every endpoint gets every event, under one id, and results stay in order."""

import asyncio
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import orjson
import pytest
from pytest_django.fixtures import Settings

from runs.crashpoint import CRASH_AT, CRASH_TRACE
from tests.deliveries import endpoint_now, fresh, listening, statuses, waiting
from tests.drain_process import DrainProcess, drained, forget_claims
from tests.processes import wait_until
from tests.subscriber import Heard, Subscriber
from webhooks.clock import database_clock
from webhooks.models import Attempt, Delivery, Endpoint

pytestmark = pytest.mark.django_db(transaction=True)

PLACES = [
    *(
        f"{step}.{moment}"
        for step in ("webhooks.claim", "webhooks.record")
        for moment in ("before_commit", "after_commit")
    ),
    *("webhooks.send.before_call", "webhooks.send.after_call"),
]
KILLED = -signal.SIGKILL
WITHIN_S = 60.0


@pytest.fixture(autouse=True)
def on_loopback(settings: Settings) -> None:
    """Receivers of this test may be reached."""
    settings.WEBHOOK_ALLOW_HTTP = True
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]


def subscribed(subscriber: Subscriber, *, endpoints: int, events: int) -> list[Endpoint]:
    """Endpoints of the subscriber, each with so many events that are due."""
    made = [listening(subscriber.url(f"/{number}"), concurrency=20) for number in range(endpoints)]
    for endpoint in made:
        waiting(endpoint, events, due_at=database_clock())
    return made


def processed_once(subscriber: Subscriber) -> dict[str, Counter[int]]:
    """What a receiver has processed that does nothing about an id it knows, by path."""
    known: set[tuple[str, str]] = set()
    processed: dict[str, Counter[int]] = {}
    for heard in subscriber.heard:
        if (heard.path, heard.id) not in known:
            known.add((heard.path, heard.id))
            processed.setdefault(heard.path, Counter())[orjson.loads(heard.body)["number"]] += 1
    return processed


def assert_all_arrived(subscriber: Subscriber, endpoints: list[Endpoint], *, events: int) -> None:
    """Each event under one id, each processed once by who looks at the ids, and that is what the rows say."""
    for number, endpoint in enumerate(endpoints):
        path = f"/{number}"
        mine = Delivery.objects.filter(endpoint=endpoint)
        assert set(subscriber.ids(path)) == {one.message_id for one in mine}
        assert processed_once(subscriber)[path] == Counter(range(events))
    assert statuses() == {"delivered": events * len(endpoints)}
    assert Attempt.objects.count() == events * len(endpoints)


@pytest.mark.slow
def test_w01_w02_a_drain_killed_at_each_crash_point_loses_nothing_e12() -> None:
    """Webhooks outlive a restart, and count truly (E12)."""
    events = 100
    with Subscriber() as subscriber:
        endpoints = subscribed(subscriber, endpoints=3, events=events)
        for place in PLACES:
            assert drained({CRASH_AT: f"{place}:2"}) == KILLED, place
            # It should be nobody's until the time of the claim is over.
            forget_claims()
        assert drained() == 0
        assert_all_arrived(subscriber, endpoints, events=events)
        # Who is killed between the answer and the record makes a receiver hear twice; without that nothing was shown.
        assert max(sum((subscriber.ids(f"/{number}") for number in range(3)), Counter[str]()).values()) > 1


def test_these_are_all_the_crash_points_of_a_drain(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with Subscriber() as subscriber:
        subscribed(subscriber, endpoints=1, events=3)
        assert drained({CRASH_TRACE: str(trace)}) == 0
    assert set(trace.read_text().split()) == set(PLACES)


@pytest.mark.slow
def test_w01_w02_ten_thousand_events_survive_two_drains_that_are_killed_again_and_again() -> None:
    chance, endpoints, events = random.Random(6), 10, 1_000
    with Subscriber() as subscriber:
        made = subscribed(subscriber, endpoints=endpoints, events=events)
        kills = 0
        while Delivery.objects.filter(status="pending").count() > 2_000:
            with DrainProcess() as one, DrainProcess() as other:
                time.sleep(chance.uniform(1.0, 4.0))
                for process in (one, other):
                    kills += process.is_alive()
                    process.send(signal.SIGKILL)
            forget_claims()
        assert drained() == 0
        assert_all_arrived(subscriber, made, events=events)
    assert kills >= 2


def test_w14_a_sender_that_was_stopped_beyond_its_lock_cannot_overwrite_a_newer_result() -> None:
    let_go = threading.Event()

    async def answer(heard: Heard) -> int:
        """The first is answered late, and well; whoever comes meanwhile is not."""
        if len(subscriber.heard) == 1:
            await asyncio.to_thread(let_go.wait, WITHIN_S)
            return 200
        return 500

    with Subscriber(answer) as subscriber:
        (endpoint,) = subscribed(subscriber, endpoints=1, events=1)
        (delivery,) = Delivery.objects.all()
        with DrainProcess() as stopped:
            wait_until(lambda: subscriber.heard, within_s=WITHIN_S, what="the first attempt")
            stopped.send(signal.SIGSTOP)
            forget_claims()
            assert drained() == 0
            newer = fresh(delivery)
            assert (newer.status, newer.attempts, newer.response_status, newer.claim_epoch) == ("pending", 1, 500, 2)
            let_go.set()
            stopped.send(signal.SIGCONT)
            assert stopped.ends() == 0
    # It should have come back with an answer, and found that it counts no more.
    assert [heard.id for heard in subscriber.heard] == [delivery.message_id] * 2
    after = fresh(delivery)
    assert (after.status, after.attempts, after.due_at, after.claim_epoch) == ("pending", 1, newer.due_at, 2)
    assert [attempt.response_status for attempt in Attempt.objects.all()] == [500]
    assert endpoint_now(endpoint).last_success_at is None
