"""Claiming: fair over endpoints, within their limits, for one drain alone and for a while."""

import logging
import threading

import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from tests.deliveries import (
    ARRIVED,
    NOON,
    REFUSED,
    SECRET,
    endpoint_now,
    fresh,
    keep_secret,
    listening,
    numbers,
    seconds,
    waiting,
)
from webhooks.delivery import claim, record
from webhooks.models import Delivery, Endpoint, EndpointSecret
from webhooks.sealing import seal

pytestmark = pytest.mark.django_db

LOCK_S = 45  # WEBHOOK_TIMEOUT_S and half a minute


def test_a_claimed_delivery_has_all_that_is_sent_and_is_locked_for_longer_than_an_attempt_takes() -> None:
    endpoint = listening("https://receiver.example/a")
    endpoint.headers_sealed = seal('{"X-Team": "blue"}', endpoint_id=endpoint.id).text
    endpoint.save()
    keep_secret(endpoint, "the former secret", expires_at=NOON + seconds(1))
    (delivery,) = waiting(endpoint, body=b'{"a": 1}', attempts=2, tries=2)
    (parcel,) = claim(NOON)
    assert (parcel.delivery_id, parcel.endpoint_id, parcel.url) == (delivery.id, endpoint.id, endpoint.url)
    assert (parcel.event_type, parcel.body) == ("run.completed", b'{"a": 1}')
    assert (parcel.attempt, parcel.is_manual, parcel.claim_epoch) == (3, False, 1)
    assert (parcel.secrets, parcel.headers) == ((SECRET, "the former secret"), {"X-Team": "blue"})
    assert fresh(delivery).locked_until == NOON + seconds(LOCK_S)


def test_nothing_is_claimed_before_its_time() -> None:
    waiting(listening(), due_at=NOON + seconds(5))
    assert claim(NOON + seconds(4.9)) == []
    assert len(claim(NOON + seconds(5))) == 1


def test_a_claim_keeps_others_away_until_its_time_is_over() -> None:
    waiting(listening())
    (first,) = claim(NOON)
    assert claim(NOON + seconds(LOCK_S - 1)) == []
    (second,) = claim(NOON + seconds(LOCK_S))
    assert second.delivery_id == first.delivery_id
    assert second.message_id == first.message_id
    assert (first.claim_epoch, second.claim_epoch) == (1, 2)


def test_the_first_of_each_endpoint_comes_before_the_second_of_any() -> None:
    dead, busy, quiet = listening(), listening(), listening()
    waiting(dead, 30, due_at=NOON - seconds(3600))
    waiting(busy, 3, due_at=NOON - seconds(60))
    waiting(quiet, 1, due_at=NOON)
    parcels = claim(NOON, limit=7)
    assert [parcel.endpoint_id for parcel in parcels] == [
        dead.id,
        busy.id,
        quiet.id,
        dead.id,
        busy.id,
        dead.id,
        busy.id,
    ]
    # It should be the longest due of each first.
    assert (numbers(parcels, dead), numbers(parcels, busy)) == ([0, 1, 2], [0, 1, 2])


def test_many_that_have_much_waiting_keep_nobody_from_what_is_new() -> None:
    for number in range(60):
        waiting(listening(f"https://{number}.example", rate_per_second=10), 20, due_at=NOON - seconds(3600))
    quiet = listening()
    waiting(quiet)
    # A claim takes fifty, and a tenth of a second later each of the sixty may be sent another one.
    claimed = [claim(NOON + seconds(turn / 10)) for turn in range(3)]
    assert [len(parcels) for parcels in claimed] == [50, 50, 50]
    assert any(numbers(parcels, quiet) for parcels in claimed)


def test_where_room_is_scarce_each_gets_one_and_none_who_is_being_sent_something() -> None:
    busy, quiet = listening(), listening()
    waiting(busy, 3)
    claim(NOON, limit=1)
    waiting(quiet, 3)
    assert [parcel.endpoint_id for parcel in claim(NOON, is_scarce=True)] == [quiet.id]
    assert claim(NOON, is_scarce=True) == []
    assert len(claim(NOON)) == 4


def test_one_claim_takes_no_more_than_was_asked_for() -> None:
    waiting(listening(), 60)
    assert len(claim(NOON)) == 50
    assert len(claim(NOON, limit=3)) == 0  # fifty are being sent, which is all that this endpoint wants at once
    waiting(listening(), 60)
    assert len(claim(NOON, limit=3)) == 3


@pytest.mark.parametrize(
    "columns",
    [{"paused_at": NOON}, {"active": False}, {"deleted_at": NOON}, {"broken_until": NOON + seconds(1)}],
    ids=["paused", "disabled", "deleted", "its breaker is open"],
)
def test_nothing_is_sent_to_an_endpoint_that_does_not_listen(columns: dict[str, object]) -> None:
    waiting(listening(**columns))
    other = listening()
    waiting(other)
    assert [parcel.endpoint_id for parcel in claim(NOON)] == [other.id]


def test_no_more_is_under_way_at_once_than_the_endpoint_wants(settings: Settings) -> None:
    settings.WEBHOOK_CONCURRENCY = 3
    own, usual = listening(concurrency=2), listening(concurrency=None)
    waiting(own, 9)
    waiting(usual, 9)
    parcels = claim(NOON)
    assert (len(numbers(parcels, own)), len(numbers(parcels, usual))) == (2, 3)
    assert claim(NOON + seconds(1)) == []
    record(parcels[0], ARRIVED, NOON)
    assert [parcel.endpoint_id for parcel in claim(NOON + seconds(1))] == [parcels[0].endpoint_id]


@pytest.mark.parametrize(("rate", "at_once"), [(10, 2), (1, 1), (0.5, 1), (100, 20)])
def test_the_pace_of_an_endpoint_is_kept(rate: float, at_once: int) -> None:
    endpoint = listening(rate_per_second=rate, concurrency=1_000)
    waiting(endpoint, 300)
    claimed = [len(claim(NOON + seconds(step / 100))) for step in range(201)]
    assert claimed[0] == at_once
    # It should be the rate from then on, however often it is asked.
    assert sum(claimed[:101]) == pytest.approx(at_once + rate, abs=1)
    assert sum(claimed) == pytest.approx(at_once + 2 * rate, abs=1)


def test_an_endpoint_that_was_quiet_has_saved_up_nothing_but_a_small_burst() -> None:
    endpoint = listening(rate_per_second=10)
    waiting(endpoint, 30)
    claim(NOON)
    assert len(claim(NOON + seconds(3600))) == 2


def test_when_the_breaker_has_been_open_one_goes_out_as_a_probe() -> None:
    endpoint = listening(broken_until=NOON, concurrency=4)
    waiting(endpoint, 9)
    (probe,) = claim(NOON)
    assert claim(NOON) == []
    record(probe, REFUSED, NOON + seconds(1))
    assert claim(NOON + seconds(60)) == []
    (probe,) = claim(NOON + seconds(61))
    record(probe, ARRIVED, NOON + seconds(62))
    assert len(claim(NOON + seconds(62))) == 4


def test_an_attempt_that_somebody_asked_for_is_known_as_such() -> None:
    endpoint = listening()
    asked = {"resend_at": NOON, "due_at": NOON, "next_attempt_at": NOON + seconds(300)}
    (manual,) = waiting(endpoint, **asked)
    (later,) = waiting(endpoint, **(asked | {"resend_at": NOON + seconds(1), "next_attempt_at": NOON}))
    assert {parcel.delivery_id: parcel.is_manual for parcel in claim(NOON)} == {manual.id: True, later.id: False}


def test_a_secret_that_has_expired_signs_nothing_more() -> None:
    endpoint = listening()
    keep_secret(endpoint, "the former secret", expires_at=NOON)
    waiting(endpoint)
    assert [parcel.secrets for parcel in claim(NOON)] == [(SECRET,)]


def test_a_secret_that_nobody_can_read_stops_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    unreadable, bare, other = listening(), listening(), listening()
    EndpointSecret.objects.filter(endpoint=unreadable).update(sealed=seal("theirs", endpoint_id=other.id).text)
    EndpointSecret.objects.filter(endpoint=bare).delete()
    (first,), (second,) = waiting(unreadable), waiting(bare)
    waiting(other)
    with caplog.at_level(logging.ERROR, logger="signalbox.webhooks"):
        assert [parcel.endpoint_id for parcel in claim(NOON)] == [other.id]
    assert len(caplog.records) == 2
    for delivery in (fresh(first), fresh(second)):
        assert (delivery.status, delivery.attempts, delivery.tries, delivery.locked_until) == ("pending", 1, 1, None)
        assert delivery.due_at is not None
        assert NOON + seconds(3) < delivery.due_at < NOON + seconds(7)
    assert "another endpoint" in fresh(first).error_message
    assert fresh(second).error_message == "there is no secret to sign with"


@pytest.mark.django_db(transaction=True)
def test_two_drains_that_claim_at_once_keep_the_limits_together() -> None:
    endpoint = listening(concurrency=5, rate_per_second=1_000)
    waiting(endpoint, 60)
    barrier, claimed = threading.Barrier(4), []

    def claim_often() -> None:
        barrier.wait()
        try:
            for _ in range(10):
                claimed.extend(claim(NOON))
        finally:
            connection.close()

    threads = [threading.Thread(target=claim_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len({parcel.delivery_id for parcel in claimed}) == 5


@pytest.mark.django_db(transaction=True)
def test_an_endpoint_that_somebody_has_locked_is_left_out_and_not_waited_for() -> None:
    locked, free = listening(), listening()
    waiting(locked)
    waiting(free)
    found: list[object] = []

    def claim_beside() -> None:
        found.extend(parcel.endpoint_id for parcel in claim(NOON))
        connection.close()

    with transaction.atomic():
        Endpoint.objects.select_for_update(no_key=True).get(id=locked.id)
        beside = threading.Thread(target=claim_beside)
        beside.start()
        beside.join()
    assert found == [free.id]
    assert [parcel.endpoint_id for parcel in claim(NOON)] == [locked.id]


def test_a_claim_that_finds_nothing_changes_nothing() -> None:
    endpoint = listening()
    assert claim(NOON) == []
    waiting(endpoint, status="cancelled", due_at=NOON)
    assert claim(NOON) == []
    assert endpoint_now(endpoint).paced_until is None
    assert not Delivery.objects.exclude(claim_epoch=0).exists()
