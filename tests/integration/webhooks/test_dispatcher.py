"""The drain: fan out, claim, send, record, until its time is over or nothing is due."""

import asyncio
import logging
from collections.abc import Callable
from uuid import UUID

import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings

from runs.models import OutboxEntry
from tests.cast import queued_run
from tests.deliveries import (
    ARRIVED,
    NOON,
    REFUSED,
    Postman,
    SteppedClock,
    fresh,
    in_turn,
    listening,
    seconds,
    statuses,
    waiting,
)
from webhooks import dispatcher
from webhooks.clock import database_clock
from webhooks.delivery import recording
from webhooks.dispatcher import Drained, turn, under_way
from webhooks.models import Attempt, Delivery
from webhooks.parcel import Parcel
from webhooks.result import Result

pytestmark = pytest.mark.django_db(transaction=True)

LONG_S = 20.0
ON_TIME_S = 10.0  # of a busy machine


def nothing_to_fan_out() -> int:
    return 0


def drained(
    send: dispatcher.Send,
    *,
    for_s: float = LONG_S,
    fan_out_some: Callable[[], int] = nothing_to_fan_out,
    **more: object,
) -> Drained:
    """What one drain did, which must not take for ever."""

    async def within() -> Drained:
        async with asyncio.timeout(60):
            return await dispatcher.drain(for_s=for_s, send=send, fan_out_some=fan_out_some, **more)  # type: ignore[arg-type]

    return asyncio.run(within())


def test_what_is_due_is_sent_and_the_drain_ends_when_nothing_is() -> None:
    endpoints = [listening() for _ in range(3)]
    for endpoint in endpoints:
        waiting(endpoint, 4, due_at=database_clock())
    postman = Postman()
    assert drained(postman) == Drained(sent=12)
    assert (len(postman.sent), statuses()) == (12, {"delivered": 12})
    assert drained(postman) == Drained()


def test_a_retry_within_its_time_is_on_time_and_one_beyond_is_left() -> None:
    waiting(listening(), due_at=database_clock())
    postman = Postman(in_turn(REFUSED, ARRIVED))
    # The second try is due five seconds after the first, give or take one.
    assert drained(postman, for_s=2) == Drained(sent=1, failed=1, is_due_soon=True)
    assert drained(postman) == Drained(sent=1)
    first, second = Attempt.objects.order_by("number")
    assert seconds(4) <= second.started_at - first.started_at <= seconds(ON_TIME_S)


def test_what_comes_while_it_waits_is_sent_at_once() -> None:
    endpoint = listening()
    waiting(endpoint, due_at=database_clock() + seconds(3))
    comes = iter([0, 0, 1])

    def fan_out_some() -> int:
        if number := next(comes, 0):
            waiting(endpoint, due_at=database_clock(), event_type="run.failed")
        return number

    postman = Postman()
    assert drained(postman, fan_out_some=fan_out_some) == Drained(fanned_out=1, sent=2)
    assert [parcel.event_type for parcel in postman.sent] == ["run.failed", "run.completed"]


def test_it_ends_when_nothing_is_due_in_the_time_that_is_left_and_says_what_is_soon() -> None:
    (delivery,) = waiting(listening(), due_at=database_clock() + seconds(30))
    assert drained(Postman(), for_s=5) == Drained(is_due_soon=True)
    Delivery.objects.update(due_at=database_clock() + seconds(90))
    assert drained(Postman(), for_s=5) == Drained()
    assert fresh(delivery).attempts == 0


def test_a_slow_receiver_holds_up_nobody_e12() -> None:
    """A slow receiver delays no other, and parallel sends are limited (E12)."""
    slow, quick = listening(concurrency=2), listening()
    waiting(slow, 5, due_at=database_clock() - seconds(60))
    waiting(quick, 30, due_at=database_clock())
    let_go = asyncio.Event()
    postman, order = Postman(), list[UUID]()

    async def send(parcel: Parcel, *, timeout_s: float, at: int) -> Result:
        if parcel.endpoint_id == slow.id:
            await let_go.wait()
        result = await postman(parcel, timeout_s=timeout_s, at=at)
        order.append(parcel.endpoint_id)
        if order.count(quick.id) == 30:
            let_go.set()
        return result

    assert drained(send) == Drained(sent=35)
    assert order[:30] == [quick.id] * 30
    assert postman.most_at_once[slow.id] <= 2


def test_a_few_that_never_answer_leave_room_for_others_w07(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_way, "IN_FLIGHT", 40)
    for slow in (listening(), listening()):
        waiting(slow, 40, due_at=database_clock() - seconds(60))
    quick, let_go, started = listening(), asyncio.Event(), list[UUID]()
    last_look = iter([0, 0, 0, 1])

    async def send(parcel: Parcel, *, timeout_s: float, at: int) -> Result:
        started.append(parcel.endpoint_id)
        if parcel.endpoint_id == quick.id:
            let_go.set()
        await let_go.wait()
        return ARRIVED

    def fan_out_some() -> int:
        """Something new comes when the slow ones have had time to take all they can get."""
        if len(started) >= 30 and next(last_look, 0):
            waiting(quick, due_at=database_clock())
            return 1
        return 0

    assert drained(send, fan_out_some=fan_out_some) == Drained(fanned_out=1, sent=81)
    assert started.index(quick.id) < 40


def test_never_more_is_in_memory_than_may_be_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_way, "IN_FLIGHT", 7)
    waiting(listening(), 21, due_at=database_clock())
    postman = Postman(takes_s=0.4)
    assert drained(postman) == Drained(sent=21)
    assert max(postman.most_at_once.values()) <= 7


def test_after_its_last_claim_it_says_so_and_then_waits_for_receivers() -> None:
    waiting(listening(concurrency=1), 3, due_at=database_clock())
    said: list[object] = []

    def when_claimed() -> None:
        said.append(Attempt.objects.count())

    done = drained(Postman(takes_s=1.0), for_s=0.5, when_claimed=when_claimed)
    assert (said, done) == ([0], Drained(sent=1, is_due_soon=True))
    assert statuses() == {"delivered": 1, "pending": 2}


def test_whatever_goes_wrong_after_the_last_claim_what_is_under_way_is_recorded() -> None:
    def when_claimed() -> None:
        raise OperationalError("away")

    waiting(listening(), due_at=database_clock())
    with pytest.raises(OperationalError):
        drained(Postman(takes_s=1.0), for_s=0.5, when_claimed=when_claimed)
    assert statuses() == {"delivered": 1}


def test_it_stops_claiming_when_it_is_told_to() -> None:
    waiting(listening(concurrency=1), 9, due_at=database_clock())
    answers = iter([True, True, False])
    done = drained(Postman(), still=lambda: next(answers, False))
    assert 1 <= done.sent <= 2


def test_without_patience_it_waits_for_nothing_that_is_not_due() -> None:
    waiting(listening(), due_at=database_clock() + seconds(2))
    assert drained(Postman(), horizon_s=0) == Drained(is_due_soon=True)
    waiting(listening(), 70, due_at=database_clock())
    assert drained(Postman(), horizon_s=0) == Drained(sent=70, is_due_soon=True)


def test_with_patience_it_stays_for_what_another_one_will_send() -> None:
    waiting(listening(), due_at=database_clock() + seconds(40))
    asked = []

    def still() -> bool:
        asked.append(True)
        return True

    assert drained(Postman(), for_s=1, horizon_s=60, still=still) == Drained(is_due_soon=True)
    assert len(asked) > 1


def test_an_outbox_that_cannot_be_fanned_out_stops_no_delivery(caplog: pytest.LogCaptureFixture) -> None:
    def fan_out_some() -> int:
        raise KeyError

    queued_run()
    assert OutboxEntry.objects.exists()
    waiting(listening(), due_at=database_clock())
    with caplog.at_level(logging.ERROR, logger="signalbox.webhooks"):
        done = drained(Postman(), fan_out_some=fan_out_some, horizon_s=0)
    assert (done.sent, done.faults >= 1, done.is_due_soon) == (1, True, True)
    # With time it should be tried again, slowly.
    done = drained(Postman(), fan_out_some=fan_out_some, for_s=1.2)
    assert 1 <= done.faults <= 4


def test_a_sender_that_breaks_costs_one_attempt(caplog: pytest.LogCaptureFixture) -> None:
    def receive(parcel: Parcel) -> Result:
        raise KeyError

    (delivery,) = waiting(listening(), due_at=database_clock())
    with caplog.at_level(logging.ERROR, logger="signalbox.webhooks"):
        assert drained(Postman(receive), for_s=1) == Drained(sent=1, failed=1, is_due_soon=True)
    assert fresh(delivery).error_message == "it could not be sent"


def test_a_result_that_the_database_does_not_take_is_kept_and_recorded_later(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting(listening(), 3, due_at=database_clock())
    postman, faults, store = Postman(), iter([True] * 5), recording._store

    def unreliable(*arguments: object) -> None:
        if next(faults, False):
            raise OperationalError("away")
        store(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(recording, "_store", unreliable)
    monkeypatch.setattr(under_way, "AFTER_A_FAULT_S", 0.05)
    done = drained(postman)
    assert (done.sent, done.failed, statuses()) == (3, 0, {"delivered": 3})
    # It should have asked no receiver twice.
    assert set(postman.times().values()) == {1}
    assert done.faults >= 1


def test_one_attempt_that_cannot_be_recorded_costs_the_others_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad, *_ = waiting(listening(), 5, due_at=database_clock())
    settle = recording._settle

    def defective(sent: recording.Sent, *arguments: object) -> None:
        if sent.parcel.delivery_id == bad.id:
            raise KeyError
        settle(sent, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(recording, "_settle", defective)
    with caplog.at_level(logging.ERROR, logger="signalbox.webhooks"):
        done = drained(Postman(), for_s=2)
    assert (done.sent, done.faults, statuses()) == (4, 1, {"delivered": 4, "pending": 1})
    assert fresh(bad).attempts == 0
    assert str(bad.id) in caplog.text


def test_the_clock_says_what_is_due_and_when_it_was_sent() -> None:
    clock = SteppedClock(NOON)
    times: list[int] = []

    async def send(parcel: Parcel, *, timeout_s: float, at: int) -> Result:
        times.append(at)
        assert timeout_s == 15
        return ARRIVED

    (delivery,) = waiting(listening(), due_at=NOON)
    assert drained(send, clock=clock) == Drained(sent=1)
    assert times == [int(NOON.timestamp())]
    assert fresh(delivery).delivered_at == NOON


def test_ten_thousand_waiting_are_not_loaded_at_once(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    claim, asked = turn.claim, []

    def counted(*arguments: object, limit: int, is_scarce: bool) -> list[Parcel]:
        asked.append(limit)
        return claim(*arguments, limit=limit, is_scarce=is_scarce)  # type: ignore[arg-type]

    monkeypatch.setattr(turn, "claim", counted)
    waiting(listening(concurrency=1_000, rate_per_second=100_000), 300, due_at=database_clock())
    drained(Postman())
    assert max(asked) == 50
