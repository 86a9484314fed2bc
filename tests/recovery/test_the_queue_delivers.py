"""The queue delivers: a real one, whose forked workers drain with an event loop and threads of their own."""

import asyncio
import os
import signal
import threading

import pytest
from django.conf import settings
from django_q.models import OrmQ
from django_q.tasks import async_task

from tests.deliveries import fresh, listening, seconds, statuses, waiting
from tests.drain_process import forget_claims
from tests.faults.queue_host import NET, the_queue
from tests.processes import ManageCommand, wait_until
from tests.subscriber import Heard, Subscriber
from webhooks.clock import database_clock
from webhooks.models import Attempt, Delivery, DrainSlot
from webhooks.tasks import DELIVER, DRAIN_S

pytestmark = [pytest.mark.slow, pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

WITHIN_S = 60.0
SETTINGS = {
    "WEBHOOK_ALLOW_HTTP": "true",
    "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    "SECRET_KEY": settings.SECRET_KEY,  # tasks are signed with it, and secrets sealed
}


def processed(queue: ManageCommand, name: str) -> int:
    """How many tasks of this name have come to a good end; none came to a bad one."""
    assert not queue.said("Failed '"), "\n".join(queue.lines)
    return sum(f"Processed '{name}'" in line for line in tuple(queue.lines))


def test_one_kick_delivers_and_a_retry_in_five_seconds_is_on_time() -> None:
    async def answer(heard: Heard) -> int:
        return 500 if len(subscriber.heard) == 1 else 200

    with Subscriber(answer) as subscriber, the_queue(SETTINGS) as queue:
        waiting(listening(subscriber.url()), due_at=database_clock())
        async_task(DELIVER)
        wait_until(lambda: statuses() == {"delivered": 1}, within_s=WITHIN_S, what="the second attempt")
        wait_until(lambda: processed(queue, DELIVER), within_s=WITHIN_S, what="the end of the task")
    assert set(subscriber.ids().values()) == {2}
    first, second = Attempt.objects.order_by("number")
    assert seconds(4) < second.started_at - first.started_at < seconds(15)


def test_a_retry_beyond_one_drain_is_sent_by_the_next_which_nobody_else_has_asked_for() -> None:
    with Subscriber() as subscriber, the_queue(SETTINGS) as queue:
        due = database_clock() + seconds(28)
        waiting(listening(subscriber.url()), due_at=due)
        async_task(DELIVER)
        wait_until(lambda: statuses() == {"delivered": 1}, within_s=WITHIN_S, what="the attempt")
        assert 1 <= processed(queue, DELIVER) <= 3
    assert Attempt.objects.get().started_at - due < seconds(10)


def test_while_a_drain_waits_kicks_end_at_once_and_the_net_is_not_starved() -> None:
    with Subscriber() as subscriber, the_queue(SETTINGS) as queue:
        (delivery,) = waiting(listening(subscriber.url()), due_at=database_clock() + seconds(59))
        async_task(DELIVER)
        wait_until(lambda: DrainSlot.objects.exclude(holder=None).exists(), within_s=WITHIN_S, what="a drain")
        for _ in range(6):
            async_task(DELIVER)
        async_task(NET)
        wait_until(lambda: processed(queue, NET), within_s=WITHIN_S, what="the net")
        # It should have come through while the drain was waiting, or nothing was shown.
        assert processed(queue, DELIVER) >= 6
        assert DrainSlot.objects.exclude(holder=None).count() == 1
        assert fresh(delivery).attempts == 0


def test_a_drain_that_waits_does_not_hold_up_the_end_of_its_queue() -> None:
    with Subscriber() as subscriber, the_queue(SETTINGS) as queue:
        waiting(listening(subscriber.url()), due_at=database_clock() + seconds(59))
        async_task(DELIVER)
        wait_until(lambda: DrainSlot.objects.exclude(holder=None).exists(), within_s=WITHIN_S, what="a drain")
        queue.send(signal.SIGTERM)
        # By itself it would wait for longer.
        assert queue.wait(within_s=DRAIN_S / 2) == 0
        assert processed(queue, DELIVER) == 1
    # It should have left a task for the next queue, and its slot.
    assert OrmQ.objects.count() == 1
    assert not DrainSlot.objects.exclude(holder=None).exists()


def test_a_queue_that_is_killed_while_it_sends_is_replaced_by_the_next() -> None:
    let_go = threading.Event()

    async def answer(heard: Heard) -> int:
        if len(subscriber.heard) == 1:
            await asyncio.to_thread(let_go.wait, WITHIN_S)
        return 200

    with Subscriber(answer) as subscriber:
        waiting(listening(subscriber.url(), concurrency=1), 3, due_at=database_clock())
        with the_queue(SETTINGS) as queue:
            async_task(DELIVER)
            wait_until(lambda: subscriber.heard, within_s=WITHIN_S, what="the first attempt")
            os.killpg(queue.pid, signal.SIGKILL)
        let_go.set()
        assert not Attempt.objects.exists()
        forget_claims()
        DrainSlot.objects.update(held_until=database_clock())
        with the_queue(SETTINGS):
            async_task(DELIVER)
            wait_until(lambda: statuses() == {"delivered": 3}, within_s=WITHIN_S, what="all of them")
    assert set(subscriber.ids()) == {one.message_id for one in Delivery.objects.all()}
    assert sorted(subscriber.ids().values()) == [1, 1, 2]
