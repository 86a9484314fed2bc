"""Recording: an attempt and what follows from it, or nothing."""

import logging
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django.fixtures import Settings

from tests.deliveries import ARRIVED, NOON, REFUSED, endpoint_now, fresh, listening, seconds, waiting
from webhooks import notices
from webhooks.delivery import Sent, claim, record, record_all
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.parcel import Parcel
from webhooks.result import Result, Wish

pytestmark = pytest.mark.django_db

HOURS_75 = 75 * 3600


def evenly() -> float:
    return 0.0


def claimed(endpoint: Endpoint | None = None, **columns: object) -> Parcel:
    waiting(endpoint or listening(), **columns)
    (parcel,) = claim(NOON)
    return parcel


def resent(**columns: object) -> Parcel:
    """A delivery that somebody asked to have sent once more, claimed."""
    parcel = claimed(**{"resend_at": NOON, "next_attempt_at": None, **columns})
    assert parcel.is_manual
    return parcel


def after(parcel: Parcel, result: Result, at_s: float = 1.0) -> Delivery:
    """The delivery when the attempt is on record."""
    assert record(parcel, result, NOON + seconds(at_s), jitter=evenly)
    return fresh(parcel.delivery_id)


def test_what_has_arrived_is_delivered_and_its_attempt_is_on_record() -> None:
    result = Result(40, status=202, excerpt="thanks", headers={"content-type": "text/plain"})
    delivery = after(claimed(), result)
    assert (delivery.status, delivery.attempts, delivery.tries, delivery.response_status) == ("delivered", 1, 1, 202)
    assert delivery.delivered_at == delivery.last_attempt_at == NOON + seconds(1)
    assert (delivery.next_attempt_at, delivery.due_at, delivery.locked_until, delivery.error_message) == (None,) * 3 + (
        "",
    )
    attempt = Attempt.objects.get()
    assert (attempt.delivery_id, attempt.endpoint_id) == (delivery.id, delivery.endpoint_id)
    assert (attempt.number, attempt.is_manual, attempt.is_success, attempt.permanent) == (1, False, True, False)
    assert (attempt.started_at, attempt.duration_ms) == (NOON + seconds(0.96), 40)
    assert (attempt.response_status, attempt.excerpt, attempt.response_headers) == (
        202,
        "thanks",
        {"content-type": "text/plain"},
    )


def test_what_failed_is_tried_again_by_the_schedule(settings: Settings) -> None:
    settings.WEBHOOK_RETRY_SCHEDULE = [0, 5, 30]
    delivery = after(claimed(), REFUSED)
    assert (delivery.status, delivery.attempts, delivery.tries) == ("pending", 1, 1)
    assert delivery.due_at == delivery.next_attempt_at == NOON + seconds(6)
    assert (delivery.response_status, delivery.error_message) == (500, "it answered 500")
    (again,) = claim(NOON + seconds(6))
    assert (again.delivery_id, again.attempt) == (delivery.id, 2)
    record(again, REFUSED, NOON + seconds(7), jitter=lambda: 1.0)
    assert fresh(delivery).due_at == NOON + seconds(7 + 36)  # a fifth more, by jitter


def test_after_the_last_try_it_is_exhausted_e12(settings: Settings) -> None:
    """The number of every attempt is the true one (E12)."""
    settings.WEBHOOK_RETRY_SCHEDULE = [0, 5, 30]
    (delivery,) = waiting(listening())
    moment = NOON
    for _ in range(3):
        (parcel,) = claim(moment)
        assert record(parcel, REFUSED, moment, jitter=evenly)
        moment = fresh(delivery).due_at or moment
    delivery = fresh(delivery)
    assert (delivery.status, delivery.tries, delivery.next_attempt_at, delivery.due_at) == ("exhausted", 3, None, None)
    assert list(Attempt.objects.order_by("number").values_list("number", flat=True)) == [1, 2, 3]
    assert claim(NOON + timedelta(days=30)) == []


def test_retries_are_spread_and_never_sooner_than_the_schedule_says(settings: Settings) -> None:
    settings.WEBHOOK_RETRY_SCHEDULE = [0, 1000]
    endpoint = listening()
    waiting(endpoint, 20)
    record_all([Sent(parcel, REFUSED) for parcel in claim(NOON)], NOON)
    due = [(one.due_at - NOON).total_seconds() for one in Delivery.objects.all() if one.due_at]
    assert len(set(due)) > 10
    assert all(1000 <= wait <= 1200 for wait in due)


def test_a_message_that_the_receiver_does_not_want_is_given_up() -> None:
    delivery = after(claimed(), Result(5, status=500, reason="status", wish="abort-message"))
    assert (delivery.status, delivery.due_at, delivery.tries) == ("exhausted", None, 1)
    assert Attempt.objects.get().permanent


def test_an_address_that_is_refused_is_given_up() -> None:
    assert after(claimed(), Result(0, reason="address_refused", message="is private")).status == "exhausted"


@pytest.mark.parametrize(("wish", "words"), [("gone", "410"), ("disable", "asked")])
def test_an_endpoint_that_wishes_so_is_disabled_and_what_waits_for_it_can_be_replayed(wish: str, words: str) -> None:
    endpoint = listening(concurrency=1)
    parcel = claimed(endpoint)
    (other,) = waiting(endpoint)
    delivery = after(parcel, Result(5, status=410, reason="status", wish=wish))  # type: ignore[arg-type]
    assert (delivery.status, fresh(other).status) == ("cancelled", "cancelled")
    disabled = endpoint_now(endpoint)
    assert not disabled.active
    assert words in disabled.disabled_reason


def test_what_is_sent_again_and_fails_leaves_the_chain_of_the_schedule_as_it_was() -> None:
    planned = NOON + seconds(300)
    delivery = after(resent(next_attempt_at=planned, attempts=4, tries=4), REFUSED)
    assert (delivery.status, delivery.attempts, delivery.tries) == ("pending", 5, 4)
    assert (delivery.resend_at, delivery.next_attempt_at, delivery.due_at) == (None, planned, planned)
    assert Attempt.objects.get().is_manual


@pytest.mark.parametrize(
    ("before", "status"),
    [({"tries": 10}, "exhausted"), ({"tries": 1, "delivered_at": NOON - seconds(60)}, "delivered")],
    ids=["exhausted", "delivered"],
)
def test_what_is_sent_again_after_its_chain_and_fails_is_what_it_was(before: dict[str, object], status: str) -> None:
    delivery = after(resent(attempts=10, **before), REFUSED)
    assert (delivery.status, delivery.attempts, delivery.due_at, delivery.resend_at) == (status, 11, None, None)


@pytest.mark.parametrize("wish", ["abort-message", "gone", "disable"])
def test_what_had_arrived_has_arrived_whatever_becomes_of_sending_it_again(wish: Wish) -> None:
    parcel = resent(attempts=1, tries=1, delivered_at=NOON - seconds(60))
    assert after(parcel, Result(40, status=410, reason="status", wish=wish)).status == "delivered"


def test_what_had_arrived_and_waits_to_be_sent_again_is_not_cancelled_but_delivered() -> None:
    endpoint = listening()
    (again,) = waiting(endpoint, resend_at=NOON, next_attempt_at=None, delivered_at=NOON - seconds(60))
    (first,) = waiting(endpoint)
    Delivery.objects.filter(endpoint=endpoint).cancel_waiting()
    assert (fresh(again.id).status, fresh(first.id).status) == ("delivered", "cancelled")


def test_what_is_sent_again_and_arrives_needs_no_further_try() -> None:
    delivery = after(resent(next_attempt_at=NOON + seconds(300), attempts=4, tries=4), ARRIVED)
    assert (delivery.status, delivery.tries, delivery.next_attempt_at, delivery.due_at) == ("delivered", 4, None, None)


def test_who_asks_while_an_attempt_is_under_way_gets_one_more() -> None:
    parcel = resent(attempts=10, tries=10)
    Delivery.objects.update(resend_at=NOON + seconds(0.5), due_at=NOON + seconds(0.5))
    delivery = after(parcel, REFUSED)
    assert (delivery.status, delivery.due_at) == ("pending", NOON + seconds(0.5))
    (again,) = claim(NOON + seconds(1))
    assert (again.is_manual, again.attempt) == (True, 12)


def test_who_asks_while_a_try_of_the_schedule_is_under_way_gets_one_more() -> None:
    parcel = claimed(tries=9)
    Delivery.objects.update(resend_at=NOON + seconds(0.5), due_at=NOON)
    delivery = after(parcel, REFUSED)  # the last of its schedule
    assert (delivery.status, delivery.due_at, delivery.next_attempt_at) == ("pending", NOON + seconds(0.5), None)


@pytest.mark.parametrize(("result", "status"), [(ARRIVED, "delivered"), (REFUSED, "cancelled")])
@pytest.mark.parametrize("columns", [{"active": False}, {"deleted_at": NOON}], ids=["disabled", "deleted"])
@pytest.mark.parametrize("meanwhile", ["pending", "cancelled"])
def test_what_was_under_way_when_its_endpoint_went_has_its_result(
    result: Result, status: str, columns: dict[str, object], meanwhile: str
) -> None:
    parcel = claimed()
    Endpoint.objects.update(**columns)
    if meanwhile == "cancelled":
        Delivery.objects.update(status=meanwhile, due_at=None, next_attempt_at=None)
    delivery = after(parcel, result)
    assert (delivery.status, delivery.attempts, delivery.due_at, delivery.locked_until) == (status, 1, None, None)
    assert Attempt.objects.count() == 1


def test_w14_a_result_under_an_older_claim_writes_nothing() -> None:
    old = claimed()
    (new,) = claim(NOON + seconds(60))
    assert not record(old, ARRIVED, NOON + seconds(61))
    assert (fresh(old.delivery_id).status, Attempt.objects.count()) == ("pending", 0)
    assert endpoint_now(Endpoint.objects.get()).last_success_at is None
    assert record(new, REFUSED, NOON + seconds(62))
    assert not record(old, ARRIVED, NOON + seconds(63))
    assert fresh(old.delivery_id).status == "pending"


def test_a_result_counts_once_also_if_it_is_recorded_again() -> None:
    parcel = claimed()
    assert record(parcel, REFUSED, NOON)
    assert not record(parcel, REFUSED, NOON)
    assert (fresh(parcel.delivery_id).attempts, Attempt.objects.count()) == (1, 1)


def test_a_delivery_that_is_gone_has_no_result() -> None:
    parcel = claimed()
    Delivery.objects.all().delete()
    assert not record(parcel, ARRIVED, NOON)


def test_the_health_of_an_endpoint_counts_each_attempt() -> None:
    endpoint = listening()
    waiting(endpoint, 3)
    first, second, third = claim(NOON)
    record_all([Sent(first, REFUSED), Sent(second, REFUSED)], NOON + seconds(1))
    record(third, REFUSED, NOON + seconds(2))
    now = endpoint_now(endpoint)
    assert (now.failures, now.failing_since, now.last_failure_at) == (3, NOON + seconds(1), NOON + seconds(2))
    (again,) = claim(NOON + seconds(8), limit=1)
    record(again, ARRIVED, NOON + seconds(9))
    now = endpoint_now(endpoint)
    assert (now.failures, now.failing_since, now.last_success_at) == (0, None, NOON + seconds(9))


def test_whoever_changes_an_endpoint_meanwhile_keeps_the_change() -> None:
    endpoint = listening()
    parcel = claimed(endpoint)
    Endpoint.objects.update(url="https://elsewhere.example", description="moved")
    record(parcel, ARRIVED, NOON)
    assert (endpoint_now(endpoint).url, endpoint_now(endpoint).description) == ("https://elsewhere.example", "moved")


def test_operators_are_told_in_the_same_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[UUID, int, str, int, object]] = []

    def after_attempt(endpoint: Endpoint, delivery: Delivery, result: Result, now: object) -> None:
        assert connection.in_atomic_block
        told.append((endpoint.id, endpoint.failures, delivery.status, delivery.tries, now))

    monkeypatch.setattr(notices, "after_attempt", after_attempt)
    endpoint = listening()
    waiting(endpoint, 2)
    first, second = claim(NOON)
    record_all([Sent(first, REFUSED), Sent(second, REFUSED)], NOON)
    assert told == [(endpoint.id, 1, "pending", 1, NOON), (endpoint.id, 2, "pending", 1, NOON)]


def test_if_nobody_can_be_told_the_attempt_is_on_record_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def after_attempt(endpoint: Endpoint, delivery: Delivery, result: Result, now: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    monkeypatch.setattr(notices, "after_attempt", after_attempt)
    with caplog.at_level(logging.ERROR, logger="signalbox.webhooks"):
        assert after(claimed(), ARRIVED).status == "delivered"
    assert "could be told" in caplog.text


def test_the_database_refuses_to_change_an_attempt() -> None:
    parcel = claimed()
    record(parcel, REFUSED, NOON)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Attempt.objects.update(is_success=True)


def test_an_attempt_goes_with_its_delivery() -> None:
    parcel = claimed()
    record(parcel, REFUSED, NOON)
    Delivery.objects.all().delete()
    assert not Attempt.objects.exists()


@pytest.mark.parametrize(
    "result",
    [
        Result(duration_ms=1, status=410, reason="status", wish="gone"),
        Result(duration_ms=1, status=500, reason="status", wish="disable"),
        Result(duration_ms=1, reason="address_refused"),
    ],
    ids=["410", "disable", "refused address"],
)
def test_the_last_word_of_a_former_address_is_not_that_of_the_present_one(result: Result) -> None:
    endpoint = listening("https://former.example/hook")
    first, second = waiting(endpoint, 2)
    parcel, _ = claim(NOON)
    Endpoint.objects.update(url="https://present.example/hook")
    assert record(parcel, result, NOON)
    assert endpoint_now(endpoint).active
    assert (fresh(first).status, fresh(second).status) == ("pending", "pending")
    assert Attempt.objects.get().reason == "former_url"
