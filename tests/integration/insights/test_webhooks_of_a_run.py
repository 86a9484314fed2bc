"""What the panel of webhooks is told: the deliveries of a run by endpoint, without secrets, to whoever may see them."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from insights.pages import deliveries
from runs.models import Project, Run
from runs.models.identity import uuid7
from tests.cast import running_run
from tests.integration.webhooks.listeners import BROKEN, listener, parcel_for, tried
from tests.staff import browser_of, member
from webhooks.models import Endpoint

pytestmark = [pytest.mark.django_db, pytest.mark.handmade_rows("deliveries of events that never were")]


@pytest.fixture
def viewer() -> Client:
    return browser_of(member(group="viewer"))


@pytest.fixture
def run() -> Run:
    return running_run()


def told(browser: Client, run: Run) -> dict[str, Any]:
    answer = browser.get(f"/admin/console/runs/{run.id}/webhooks")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_the_deliveries_of_the_run_are_told_by_endpoint_newest_first(viewer: Client, run: Run) -> None:
    now, first, second = timezone.now(), listener(url="https://a.test/in"), listener(url="https://b.test/in")
    old = parcel_for(first, now - timedelta(hours=1), run_id=run.id)
    new = parcel_for(first, now, run_id=run.id)
    failed = parcel_for(second, now - timedelta(minutes=1), run_id=run.id)
    tried(failed, BROKEN, now)
    parcel_for(first, now, run_id=running_run().id)
    found = told(viewer, run)
    assert (found["endpoints"], found["hasMore"]) == (2, False)
    assert [(one["endpoint"]["url"], [row["id"] for row in one["data"]]) for one in found["found"]] == [
        ("https://a.test/in", [str(new.id), str(old.id)]),
        ("https://b.test/in", [str(failed.id)]),
    ]
    row = found["found"][1]["data"][0]
    assert (row["attempts"], row["status"], row["responseStatus"]) == (1, "pending", 503)
    assert row["nextAttemptAt"]


def test_no_secret_is_told_and_nothing_of_another_project(viewer: Client, run: Run) -> None:
    url = "https://a.test/in?token=canary-canary-canary"
    other = Project.objects.create(id=uuid7(), name="Other", slug="other")
    parcel_for(listener(url=url, description="canary"), timezone.now(), run_id=run.id)
    parcel_for(listener(url=url, project_id=other.id), timezone.now(), run_id=run.id)
    gone = listener(url="https://gone.test/in")
    parcel_for(gone, timezone.now(), run_id=run.id)
    Endpoint.objects.filter(id=gone.id).update(deleted_at=timezone.now(), active=False)
    found = told(viewer, run)
    assert (found["endpoints"], len(found["found"])) == (1, 1)
    assert "canary" not in str(found)


def test_of_many_the_newest_are_told_in_as_many_statements(
    viewer: Client, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            told(viewer, run)
        return len(seen)

    parcel_for(listener(), timezone.now(), run_id=run.id)
    few = statements()
    monkeypatch.setattr(deliveries, "MOST", 3)
    for _ in range(4):
        parcel_for(listener(), timezone.now(), run_id=run.id)
    assert statements() == few
    found = told(viewer, run)
    assert (found["endpoints"], len(found["found"]), found["hasMore"]) == (5, 3, True)


def test_it_needs_the_right_to_see_deliveries_and_none_to_manage_endpoints(run: Run) -> None:
    assert browser_of(member("ann", "view_run")).get(f"/admin/console/runs/{run.id}/webhooks").status_code == 403
    assert told(browser_of(member("bob", "view_delivery")), run)["endpoints"] == 0
