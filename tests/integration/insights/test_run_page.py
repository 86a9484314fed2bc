"""What the page of a run and its parts answer, to whom, and with how many statements."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from insights.pages.head import took
from runs.models import Run
from runs.models.identity import uuid7
from tests.integration.runs.conftest import append, end, store_run

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.handmade_rows("pages show what rows hold, whoever wrote them"),
]
PARTS = ["run", "run-head", "run-lines"]
SCRIPT = "<script>alert(1)</script>"


def member(client: Client, *permissions: str, name: str = "ann") -> Client:
    """The browser of a member of staff with these permissions."""
    user = get_user_model().objects.create_user(name, password="x", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return client


@pytest.fixture
def viewer(client: Client) -> Client:
    """Somebody who may see runs."""
    return member(client, "view_run")


@pytest.fixture
def run() -> Run:
    run = store_run(runtime_version="1.2")
    append(run, type="llm.call.completed", sender="bob", promptTokens=1200, completionTokens=34, estimatedCostUsd=0.5)
    append(run, sender=SCRIPT, messageType=SCRIPT)
    return run


def address(part: str, run_id: object, **query: object) -> str:
    return reverse(f"console:{part}", args=[run_id], query={name: str(value) for name, value in query.items()})


@pytest.mark.parametrize("part", PARTS)
def test_only_staff_who_may_see_runs_are_shown_one(client: Client, run: Run, part: str) -> None:
    assert client.get(address(part, run.id)).headers["Location"].startswith(reverse("admin:login"))
    client.force_login(get_user_model().objects.create_user("guest", password="x"))
    assert client.get(address(part, run.id)).headers["Location"].startswith(reverse("admin:login"))
    assert member(client, "view_event").get(address(part, run.id)).status_code == 403
    assert member(client, "view_run", name="eve").get(address(part, run.id)).status_code == 200


@pytest.mark.parametrize("part", PARTS)
def test_a_run_that_is_not_there_is_not_found_and_nothing_is_changed(viewer: Client, run: Run, part: str) -> None:
    assert viewer.get(address(part, uuid7())).status_code == 404
    assert viewer.post(address(part, run.id)).status_code == 405


def test_the_frame_has_the_styles_that_the_settings_name(viewer: Client, run: Run) -> None:
    assert 'href="/static/console/admin.css"' in viewer.get(address("run", run.id)).content.decode()


@pytest.mark.parametrize("query", [{"afterSeq": "x"}, {"afterSeq": -1}, {"limit": 0}, {"limit": 1001}, {"limit": "²"}])
def test_a_number_that_is_none_is_refused(viewer: Client, run: Run, query: dict[str, object]) -> None:
    assert viewer.get(address("run-lines", run.id, **query)).status_code == 400


def test_the_head_says_how_it_stands_and_how_it_ended(viewer: Client, run: Run) -> None:
    head = viewer.get(address("run-head", run.id)).json()
    assert (head["status"], head["runtime"], head["events"]) == ("queued", "scripted 1.2", 2)
    assert (head["tokens"], head["cost"], head["owner"]) == ("1,234", "$0.5000", "nobody")
    assert (head["ending"], head["meaning"], head["isOver"]) == ("", "", False)

    end(run, status="failed", code="run_timeout")
    head = viewer.get(address("run-head", run.id)).json()
    assert head["ending"].startswith("failed (run_timeout), decided by")
    assert head["meaning"].startswith("The hard deadline passed")
    assert (head["status"], head["owner"], head["isOver"]) == ("failed", "", True)


def test_the_page_says_it_without_any_script_of_its_own_in_it(viewer: Client, run: Run) -> None:
    end(run, status="failed", code="run_timeout", error=SCRIPT)
    text = viewer.get(address("run", run.id)).content.decode()
    assert "The hard deadline passed" in text
    assert SCRIPT not in text
    ours = text[text.index('<div id="run"') :]
    assert "<style" not in ours
    assert " style=" not in ours.split("</section>")[0]


def test_lines_come_in_order_after_a_number_up_to_a_limit(viewer: Client, run: Run) -> None:
    append(run, 10)
    page = viewer.get(address("run-lines", run.id, afterSeq=3, limit=5)).json()
    assert [line[0] for line in page["lines"]] == [4, 5, 6, 7, 8]
    assert (page["lastSeq"], page["isOver"]) == (12, False)
    _, ts, kind, who, what = page["lines"][0]
    assert (len(ts), kind, who, what) == (24, "message.received", "alice", "says Note")
    assert viewer.get(address("run-lines", run.id, afterSeq=12)).json()["lines"] == []


@pytest.mark.parametrize("part", PARTS)
def test_a_long_log_takes_no_more_statements_than_a_short_one(viewer: Client, run: Run, part: str) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            viewer.get(address(part, run.id))
        return len(seen)

    statements()
    before = statements()
    append(run, 700)
    assert statements() == before <= 8


def test_the_admin_leads_to_it(client: Client, run: Run) -> None:
    client.force_login(get_user_model().objects.create_superuser("root", password="x"))
    link = f'href="{address("run", run.id)}">Watch</a>'
    assert link in client.get(reverse("admin:runs_run_changelist")).content.decode()
    assert link in client.get(reverse("admin:runs_run_change", args=[run.id])).content.decode()


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (61, "1 min 1 s"), (3_720, "1 h 2 min"), (90_000, "1 d 1 h"), (-5, "0 s")]
)
def test_a_time_is_told_in_its_two_largest_units(seconds: int, words: str) -> None:
    begun = datetime(2026, 1, 31, tzinfo=UTC)
    assert took(begun, begun + timedelta(seconds=seconds)) == words
