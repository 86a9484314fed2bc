"""Which webhooks were told of a run, as the panel of the run page asks for it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from insights import told
from runs.models.identity import uuid7
from tests.deliveries import listening, waiting
from tests.integration.runs.conftest import store_run

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.handmade_rows("deliveries are written by hand: what reads them is tested"),
]


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("root", password="x"))
    return client


def asked(staff: Client, run_id: object) -> dict[str, Any]:
    answer = staff.get(f"/admin/console/runs/{run_id}/told")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_it_has_the_deliveries_of_the_run_by_endpoint_newest_first(staff: Client) -> None:
    run, now = store_run(), timezone.now()
    one, other = listening("https://one.example/in?token=hunter2-hunter2"), listening("https://other.example/in")
    listening()
    (first,) = waiting(one, run_id=run.id, created_at=now - timedelta(minutes=2))
    (second,) = waiting(one, run_id=run.id, created_at=now - timedelta(minutes=1))
    (third,) = waiting(other, run_id=run.id, created_at=now)
    waiting(other, run_id=store_run().id)
    found = asked(staff, run.id)

    assert (found["endpoints"], found["isMore"]) == (3, False)
    assert [(row["endpoint"]["id"], [sent["id"] for sent in row["deliveries"]]) for row in found["told"]] == [
        (str(other.id), [str(third.id)]),
        (str(one.id), [str(second.id), str(first.id)]),
    ]
    assert "hunter2" not in str(found)


def test_it_says_when_there_are_earlier_ones(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(told, "MOST", 2)
    run, endpoint = store_run(), listening()
    waiting(endpoint, 2, run_id=run.id)
    assert not asked(staff, run.id)["isMore"]
    waiting(endpoint, 1, run_id=run.id)
    found = asked(staff, run.id)
    assert found["isMore"]
    assert len(found["told"][0]["deliveries"]) == 2


def test_a_deleted_endpoint_is_left_out(staff: Client) -> None:
    run, gone = store_run(), listening(deleted_at=timezone.now())
    waiting(gone, run_id=run.id)
    assert asked(staff, run.id) == {"endpoints": 0, "told": [], "isMore": False}


def test_no_run_of_this_project_was_told_to_nobody(staff: Client) -> None:
    for run_id in (uuid7(), store_run(project_id=uuid7()).id):
        assert staff.get(f"/admin/console/runs/{run_id}/told").status_code == 404


def test_it_is_for_staff_who_may_see_deliveries(client: Client) -> None:
    address = f"/admin/console/runs/{uuid7()}/told"
    assert client.get(address).status_code == 302
    client.force_login(get_user_model().objects.create_user("clerk", password="x", is_staff=True))
    assert client.get(address).status_code == 403
