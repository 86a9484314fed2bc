"""Operators are told once that an endpoint fails and once that it is back; one that fails for days is disabled."""

import logging
from datetime import datetime, timedelta

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from runs.models import AuditEntry
from tests.integration.webhooks.listeners import BROKEN, DAY, HOUR, OK, START, listener, parcel_for, told, tried
from webhooks.models import Delivery, Endpoint, Notice
from webhooks.notices import disable
from webhooks.result import Result, Wish

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.handmade_rows("deliveries and their attempts at times of long ago"),
]

MINUTE = timedelta(minutes=1)


def fails(delivery: Delivery, times: int, start: datetime = START, every: timedelta = MINUTE) -> Endpoint:
    for number in range(times):
        endpoint = tried(delivery, BROKEN, start + number * every)
    return endpoint


def test_the_fourth_failed_attempt_tells_once_and_the_next_success_tells_that_it_is_over() -> None:
    endpoint = listener()
    delivery, other = parcel_for(endpoint), parcel_for(endpoint)
    fails(delivery, 3)
    assert told(endpoint) == []
    fails(delivery, 1, START + HOUR)
    assert told(endpoint) == ["failing"]
    # It should not tell again of the same outage, whatever else fails in it.
    fails(delivery, 3, START + 2 * HOUR)
    fails(other, 5, START + 2 * HOUR)
    assert told(endpoint) == ["failing"]
    tried(delivery, OK, START + 3 * HOUR)
    tried(other, OK, START + 3 * HOUR)
    assert told(endpoint) == ["failing", "recovered"]


def test_the_next_outage_is_told_of_again() -> None:
    endpoint = listener()
    for day in range(2):
        delivery = parcel_for(endpoint)
        fails(delivery, 4, START + day * DAY)
        tried(delivery, OK, START + day * DAY + HOUR)
    assert told(endpoint) == ["failing", "recovered"] * 2


def test_one_that_takes_some_messages_and_refuses_others_is_told_of_once_an_hour() -> None:
    endpoint = listener()
    for minute in range(0, 90, 10):
        fails(parcel_for(endpoint), 4, START + minute * MINUTE, every=timedelta(seconds=1))
        tried(parcel_for(endpoint), OK, START + (minute + 1) * MINUTE)
    assert told(endpoint) == ["failing", "recovered"] * 2


def test_failures_that_nobody_was_told_of_are_followed_by_no_recovery() -> None:
    endpoint = listener()
    delivery = parcel_for(endpoint)
    fails(delivery, 3)
    tried(delivery, OK, START + HOUR)
    assert told(endpoint) == []


def test_an_endpoint_that_was_switched_off_and_on_begins_anew() -> None:
    endpoint = listener()
    fails(parcel_for(endpoint), 4)
    Endpoint.objects.update(failing_since=None, failures=0)
    fails(parcel_for(endpoint), 4, START + 2 * HOUR)
    assert told(endpoint) == ["failing", "failing"]


def test_sending_again_what_had_arrived_tells_of_no_outage() -> None:
    endpoint = listener()
    delivery = parcel_for(endpoint)
    tried(delivery, OK, START)
    fails(delivery, 5, START + HOUR)
    assert told(endpoint) == []


def test_a_notice_says_what_failed_where_and_since_when_but_no_path_and_no_query() -> None:
    endpoint = listener(url="https://hooks.example/T0/canary-path?token=canary")
    delivery = parcel_for(endpoint)
    fails(delivery, 4)
    notice = Notice.objects.get()
    assert notice.message == "hooks.example is failing: 4 attempts to deliver run.failed, at last status 503"
    assert notice.details == {
        "deliveryId": str(delivery.id),
        "attempts": 4,
        "reason": "status 503",
        "failingSince": START.isoformat(),
    }
    assert (notice.created_at, notice.project_id) == (START + 3 * MINUTE, endpoint.project_id)


def test_after_five_days_of_nothing_but_failures_it_is_disabled_told_and_audited_w10() -> None:
    endpoint = listener()
    waiting = [parcel_for(endpoint) for _ in range(3)]
    # The ladder takes 75 hours; what comes later begins it anew.
    for number in range(19):
        fails(parcel_for(endpoint, status="exhausted"), 1, START + number * 6 * HOUR)
    assert Endpoint.objects.get().active
    last = waiting[0]
    moment = START + 5 * DAY - MINUTE
    assert tried(last, BROKEN, moment).active
    disabled = tried(last, BROKEN, moment + MINUTE)
    assert not disabled.active
    assert (disabled.disabled_at, disabled.disabled_reason) == (
        START + 5 * DAY,
        "all 21 attempts since 2026-03-01 12:00 UTC have failed",
    )
    # What waited is cancelled, what was given up before stays as it was.
    assert sorted(Delivery.objects.values_list("status", flat=True)) == ["cancelled"] * 3 + ["exhausted"] * 19
    assert not Delivery.objects.filter(status="cancelled").exclude(due_at=None).exists()
    assert told(endpoint)[-1] == "disabled"
    entry = AuditEntry.objects.get(action="webhook.disabled")
    assert (entry.actor, entry.actor_type, entry.resource, entry.resource_id) == (
        *("signalbox", "system", "webhook"),
        str(endpoint.id),
    )
    assert entry.details == {"reason": disabled.disabled_reason, "cancelled": 3}
    # It should be done once.
    disable(Endpoint.objects.get(), "again", START + 6 * DAY)
    assert told(endpoint).count("disabled") == AuditEntry.objects.filter(action="webhook.disabled").count() == 1
    assert Endpoint.objects.get().disabled_reason == disabled.disabled_reason


def test_it_is_not_disabled_for_few_failures_for_a_short_time_or_after_a_success_w10() -> None:
    few, short, well = listener(), listener(), listener()
    fails(parcel_for(few), 19, every=8 * HOUR)
    fails(parcel_for(short), 60, every=timedelta(minutes=115))
    delivery = parcel_for(well)
    fails(delivery, 30, every=3 * HOUR)
    tried(parcel_for(well), OK, START + 4 * DAY)
    fails(delivery, 30, START + 4 * DAY + HOUR, every=3 * HOUR)
    assert set(Endpoint.objects.values_list("active", flat=True)) == {True}


def test_one_old_failure_and_a_burst_of_new_ones_are_no_five_days_w10() -> None:
    endpoint = listener()
    fails(parcel_for(endpoint), 1)
    assert fails(parcel_for(endpoint), 40, START + 9 * DAY).active


@pytest.mark.parametrize(("wish", "status"), [("gone", 410), ("disable", 500)])
def test_a_receiver_that_asks_for_it_is_disabled_at_once_w09(wish: Wish, status: int) -> None:
    endpoint = listener()
    delivery = parcel_for(endpoint)
    after = tried(delivery, Result(duration_ms=1, status=status, reason="status", wish=wish), START)
    assert not after.active
    assert Delivery.objects.get().status == "cancelled"
    assert told(endpoint) == ["disabled"]


def test_an_attempt_that_was_under_way_when_it_was_switched_off_tells_nothing() -> None:
    endpoint = listener()
    delivery = parcel_for(endpoint)
    fails(delivery, 3)
    Endpoint.objects.update(active=False)
    fails(delivery, 2, START + HOUR)
    tried(delivery, OK, START + 2 * HOUR)
    assert told(endpoint) == []


def test_notices_are_logged_with_their_code_once_they_are_committed(
    caplog: pytest.LogCaptureFixture, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    endpoint = listener(url="https://hooks.example/canary")
    delivery = parcel_for(endpoint)
    with caplog.at_level(logging.INFO, "webhooks"), django_capture_on_commit_callbacks(execute=True):
        fails(delivery, 4)
        tried(delivery, OK, START + HOUR)
        disable(Endpoint.objects.get(), "it was\nasked for", START + HOUR)
        assert not caplog.records
    lines = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert [(level, text.split()[:2]) for level, text in lines] == [
        ("WARNING", ["endpoint.failing", f"{endpoint.id}:"]),
        ("INFO", ["endpoint.recovered", f"{endpoint.id}:"]),
        ("WARNING", ["endpoint.disabled", f"{endpoint.id}:"]),
    ]
    assert not any("canary" in text or "\n" in text for _, text in lines)
