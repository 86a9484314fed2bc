"""An endpoint that is disabled or fails while runs end is told of by another way: once a day, with how many."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from runs.models import Project, Run
from runs.models.identity import uuid7
from tests.cast import queued_run
from tests.integration.webhooks.listeners import BROKEN, DAY, HOUR, OK, START, listener, parcel_for, told, tried
from webhooks.models import Endpoint, Notice
from webhooks.notices import disable, watch_silence

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.handmade_rows("runs that ended long ago, without a log"),
]


def ended(at: datetime, status: str = "completed", **columns: object) -> Run:
    run = queued_run()
    Run.objects.filter(id=run.id).update(status=status, ended_at=at, ending_seq=1, **columns)
    return run


def off(**columns: object) -> Endpoint:
    endpoint = listener(**columns)
    disable(endpoint, "by hand", START)
    return endpoint


def missed(endpoint: Endpoint) -> list[object]:
    notices = Notice.objects.filter(endpoint=endpoint, kind="endpoint.silent").order_by("created_at")
    return [notice.details["missed"] for notice in notices]


def failing() -> Endpoint:
    endpoint = listener()
    delivery = parcel_for(endpoint)
    for number in range(4):
        tried(delivery, BROKEN, START + number * timedelta(minutes=1))
    return endpoint


def test_a_disabled_endpoint_that_misses_endings_is_told_of_once_a_day_with_their_number() -> None:
    endpoint = off()
    assert watch_silence(START + HOUR) == 0
    ended(START - HOUR)
    ended(START + HOUR)
    ended(START + 2 * HOUR, "failed")
    assert watch_silence(START + 3 * HOUR) == 1
    ended(START + 4 * HOUR, "cancelled")
    assert watch_silence(START + 5 * HOUR) == 0
    assert watch_silence(START + 27 * HOUR) == 1
    # It should be silent about silence: nothing ended since.
    assert watch_silence(START + 3 * DAY) == 0
    assert told(endpoint) == ["disabled", "silent", "silent"]
    assert missed(endpoint) == [2, 1]
    first = Notice.objects.filter(kind="endpoint.silent").last()
    assert first is not None
    assert first.message == ("hooks.example is disabled and has missed 2 endings of runs since 2026-03-01 12:00 UTC")


def test_a_failing_endpoint_is_told_of_and_one_that_recovered_is_not() -> None:
    lost, back, hiccup = failing(), failing(), listener()
    tried(parcel_for(back), OK, START + HOUR)
    tried(parcel_for(hiccup), BROKEN, START + HOUR)
    ended(START + 2 * HOUR)
    assert watch_silence(START + 3 * HOUR) == 1
    assert missed(lost) == [1]
    assert missed(back) == missed(hiccup) == []


def test_after_it_was_disabled_it_counts_from_its_first_failure() -> None:
    endpoint = failing()
    ended(START + HOUR)
    disable(Endpoint.objects.get(id=endpoint.id), "given up", START + 5 * DAY)
    assert watch_silence(START + 5 * DAY + HOUR) == 1
    assert missed(endpoint) == [1]


def test_only_what_it_would_have_heard_of_counts() -> None:
    other = Project.objects.create(name="Other", slug="other")
    one = ended(START + HOUR, "failed", tags=["blue", "red"], metadata={"environment": "live"})
    ended(START + HOUR, "completed", tags=["blue"], metadata={"environment": "test"})
    ended(START + HOUR, "cancelled", mode_name="other.mode")
    ended(START + HOUR, "failed", project_id=other.id)
    expected: list[tuple[dict[str, object], int]] = [
        ({}, 3),
        ({"events": ["run.failed"]}, 1),
        ({"events": ["run.*"]}, 3),
        ({"events": ["run.started", "signal.emitted"]}, 0),
        ({"tags": ["red", "green"]}, 1),
        ({"mode_name": "other.mode"}, 1),
        ({"environment": "live"}, 1),
        ({"run_id": one.id}, 1),
        ({"run_id": uuid7()}, 0),
        ({"project_id": other.id}, 1),
    ]
    endpoints = [off(**columns) for columns, _ in expected]
    watch_silence(START + 2 * HOUR)
    assert [sum(map(int, map(str, missed(one)))) for one in endpoints] == [count for _, count in expected]
    crossed: set[UUID] = set(Notice.objects.filter(endpoint=endpoints[-1]).values_list("project_id", flat=True))
    assert crossed == {other.id}


def test_a_deleted_or_a_working_endpoint_misses_nothing() -> None:
    listener()
    gone = off()
    Endpoint.objects.filter(id=gone.id).update(deleted_at=START)
    ended(START + HOUR)
    assert watch_silence(START + 2 * HOUR) == 0
