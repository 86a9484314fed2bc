"""Who watches a run, as the panel of the run page asks for it."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from insights.pages import ownership
from runs.models import Observer
from runs.models.identity import uuid7
from tests.cast import running_run
from tests.integration.runs.conftest import append, end, store_run

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.handmade_rows("observers and their beats are written by hand: what reads them is tested"),
]


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("root", password="x"))
    return client


def asked(staff: Client, run_id: object) -> dict[str, object]:
    answer = staff.get(f"/admin/console/runs/{run_id}/ownership")
    assert answer.status_code == 200
    found: dict[str, object] = answer.json()
    return found


@pytest.mark.parametrize(
    ("silent_for", "lost", "is_lost", "is_beating"),
    [(0, False, False, True), (3600, False, False, False), (3600, True, True, False)],
    ids=["alive", "late", "lost"],
)
def test_it_names_the_owner_and_says_whether_it_is_alive(
    staff: Client, silent_for: int, lost: bool, is_lost: bool, is_beating: bool
) -> None:
    then = timezone.now() - timedelta(seconds=silent_for)
    observer = Observer.objects.create(
        host="host-1", process_id=7, version="1", beat_at=then, lost_at=then if lost else None
    )
    run = running_run(observer_id=observer.id, lease_epoch=3, recovery_attempts=2)
    found = asked(staff, run.id)

    assert (found["leaseEpoch"], found["recoveryAttempts"], found["hasEnded"]) == (3, 2, False)
    shown = found["observer"]
    assert isinstance(shown, dict)
    assert {**shown, "beatAt": ""} == {
        **{"id": str(observer.id), "host": "host-1", "processId": 7, "beatAt": ""},
        **{"isLost": is_lost, "isBeating": is_beating},
    }


def test_an_ended_run_needs_no_owner(staff: Client) -> None:
    run = store_run()
    end(run)
    found = asked(staff, run.id)
    assert (found["observer"], found["hasEnded"]) == (None, True)


def test_it_has_the_newest_changes_of_the_stream(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    run = store_run()
    append(run, type="session.stream.opened", status="opened")
    append(run, 3)
    append(run, type="session.stream.opened", status="recovered")
    stream = asked(staff, run.id)["stream"]
    assert isinstance(stream, dict)
    assert stream["since"] == 0
    assert [(one["seq"], one["data"]) for one in stream["changes"]] == [
        (1, {"status": "opened"}),
        (5, {"status": "recovered"}),
    ]

    monkeypatch.setattr(ownership, "LOOKED_AT", 2)
    stream = asked(staff, run.id)["stream"]
    assert isinstance(stream, dict)
    assert (stream["since"], [one["seq"] for one in stream["changes"]]) == (3, [5])


def test_no_run_of_this_project_has_no_owner(staff: Client) -> None:
    other = store_run(project_id=uuid7())
    for run_id in (uuid7(), other.id):
        assert staff.get(f"/admin/console/runs/{run_id}/ownership").status_code == 404


def test_it_is_for_staff_who_may_see_runs(client: Client) -> None:
    address = f"/admin/console/runs/{uuid7()}/ownership"
    assert client.get(address).status_code == 302
    client.force_login(get_user_model().objects.create_user("clerk", password="x", is_staff=True))
    assert client.get(address).status_code == 403
