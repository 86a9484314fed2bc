"""The home of the console: what is running, what is stuck, how runs ended, and whether the machinery moves."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from insights import standing
from insights.counting import database_now
from runs.domain.endings import EndingCode
from runs.models import BreakerChange, Observer, Run
from runs.models.project import DEFAULT_PROJECT_ID
from tests.cast import queued_run, running_run
from tests.console import ended_run, late_run, member, watched_run
from webhooks.models import Endpoint

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.handmade_rows("deadlines and observers are put where the page has to tell them"),
]
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def staff(client: Client) -> Client:
    return member(client, "view_run")


def home(staff: Client) -> str:
    response = staff.get("/admin/")
    assert response.status_code == 200
    return response.content.decode()


def test_before_the_first_run_it_says_how_to_launch_one(staff: Client) -> None:
    assert "No runs yet" in home(staff)
    watched_run()
    assert "No runs yet" not in home(staff)


def test_open_runs_are_counted_by_status(staff: Client) -> None:
    watched_run()
    watched_run()
    queued_run()
    ended_run()
    Run.objects.filter(id=watched_run().id).update(mode="sandbox")
    shown = staff.get("/admin/").context["open"]

    assert {status: number for status, number in shown.items() if number} == {"running": 2, "queued": 1}


@pytest.mark.parametrize(
    ("column", "why"),
    [
        ("hard_deadline", "past its deadline"),
        ("progress_deadline", "no progress in time"),
    ],
)
def test_a_run_past_a_deadline_stands_first(column: str, why: str, staff: Client) -> None:
    silent = late_run("last_event_at")
    Run.objects.filter(id=silent.id).update(last_event_at=timezone.now() - timedelta(minutes=10))
    watched_run()
    late = late_run(column)
    shown = staff.get("/admin/").context["troubled"]

    assert [(one["run"].id, one["run"].why) for one in shown] == [(late.id, why), (silent.id, "silent")]
    assert f"/admin/console/runs/{late.id}" in home(staff)


def test_runs_without_a_living_observer_are_stuck(staff: Client) -> None:
    lost = watched_run()
    Observer.objects.filter(id=lost.observer_id).update(lost_at=timezone.now() - timedelta(seconds=40))
    nobodys = running_run()
    Run.objects.filter(id=nobodys.id).update(updated_at=timezone.now() - timedelta(minutes=1))
    shown = staff.get("/admin/").context["troubled"]

    assert [(one["run"].id, one["run"].why) for one in shown] == [
        (lost.id, "its observer was lost"),
        (nobodys.id, "no observer watches it"),
    ]


def test_a_wish_that_nobody_answers_is_told(staff: Client) -> None:
    run = late_run("wanted_at")
    Run.objects.filter(id=run.id).update(wanted="cancel")
    shown = staff.get("/admin/").context["troubled"]

    assert [one["run"].why for one in shown] == ["does not do what was wanted"]


def test_endings_of_the_last_hour_and_day_are_counted_by_code(staff: Client) -> None:
    ended_run()
    ended_run()
    ended_run(EndingCode.RESOLVED)
    Run.objects.filter(id=ended_run(EndingCode.CANCELLED).id).update(ended_at=timezone.now() - timedelta(hours=3))
    hour, day = (one["recent"] for one in staff.get("/admin/").context["recent"])

    assert hour.codes == [("failed", "session_lost", 2), ("completed", "completed", 1)]
    assert day.codes == [("failed", "session_lost", 2), ("cancelled", "cancelled", 1), ("completed", "completed", 1)]
    assert day.total == 4


def test_what_failed_last_is_told_with_the_reason_in_a_sentence(staff: Client) -> None:
    assert "No run of the last two days has failed" in home(staff)
    for code in (EndingCode.RESOLVED, EndingCode.CANCELLED, EndingCode.SESSION_LOST, EndingCode.AGENT_ERROR):
        run = ended_run(code)
    Run.objects.filter(id=ended_run(EndingCode.NEVER_STARTED).id).update(created_at=timezone.now() - timedelta(days=3))
    shown = staff.get("/admin/").context["failed"]

    assert [one["run"].code for one in shown] == ["agent_error", "session_lost"]
    assert shown[0]["why"] == "An agent reported an error."
    assert f"/admin/console/runs/{run.id}" in home(staff)


def test_of_what_failed_the_last_to_end_stands_first_and_no_more_than_five(staff: Client) -> None:
    oldest = ended_run()
    for _ in range(5):
        ended_run()
    Run.objects.filter(id=oldest.id).update(ended_at=timezone.now() + timedelta(minutes=1))
    shown = staff.get("/admin/").context["failed"]

    assert len(shown) == 5
    assert shown[0]["run"].id == oldest.id


def test_a_runtime_that_does_not_answer_is_told_as_the_observers_know_it(staff: Client) -> None:
    assert staff.get("/admin/").context["runtimes"] == []
    observer = Observer.objects.create(host="h", process_id=1, version="1")
    told = {"kind": "macp", "observer_id": observer.id}
    BreakerChange.objects.create(state="OPEN", reason=f"refused {HOSTILE}", **told)
    shown = home(staff)
    assert "does not answer: calls are suspended" in shown
    assert "refused &lt;script&gt;" in shown

    BreakerChange.objects.create(state="CLOSED", **told)
    (one,) = staff.get("/admin/").context["runtimes"]
    assert (one["runtime"].words, one["runtime"].is_away) == ("answers again", False)
    assert "calls are suspended" not in home(staff)


def test_the_sidebar_begins_with_the_console_for_who_may_see_runs(staff: Client) -> None:
    first, *others = staff.get("/admin/").context["sidebar_navigation"]
    assert [(item["title"], item["active"]) for item in first["items"]] == [
        ("Home", True),
        ("Runs", False),
        ("Compare", False),
        ("Policies", False),
    ]
    assert [item["title"] for group in others for item in group["items"]] == ["Runs"]

    nobody = Client()
    member(nobody, "view_event", name="bob")
    groups = nobody.get("/admin/runs/event/").context["sidebar_navigation"]
    assert [item["title"] for group in groups for item in group["items"]] == ["Events"]


def test_the_last_hour_is_told_by_the_minute_and_the_day_by_the_hour(staff: Client) -> None:
    now = (database_now() + timedelta(days=1)).replace(minute=50, second=0, microsecond=0)
    for ago in (timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=10), timedelta(hours=2)):
        Run.objects.filter(id=ended_run().id).update(ended_at=now - ago)
    hour, day = standing.hour_and_day(DEFAULT_PROJECT_ID, now)

    assert [(now - one.begins, one.runs) for one in hour.ended] == [
        (timedelta(minutes=10), 2),
        (timedelta(minutes=5), 1),
    ]
    # It should be one group an hour, also of the hour that was counted by the minute.
    assert [(one.begins.minute, one.runs) for one in day.ended] == [(0, 1), (0, 3)]
    assert day.ended[1].begins - day.ended[0].begins == timedelta(hours=2)


def test_the_chart_stands_on_its_ground_and_within_its_frame(staff: Client) -> None:
    ended_run()
    ended_run(EndingCode.RESOLVED)
    for one in staff.get("/admin/").context["recent"]:
        chart = one["chart"]
        assert {block.status for block in chart.blocks} == {"failed", "completed"}
        assert max(block.y + block.height for block in chart.blocks) == chart.height
        assert min(block.y for block in chart.blocks) == 0
        assert all(0 <= block.x <= chart.width - block.width for block in chart.blocks)


def test_observers_are_told_by_their_beats(staff: Client) -> None:
    assert "No observer is running" in home(staff)
    watched_run()
    late = watched_run()
    Observer.objects.filter(id=late.observer_id).update(beat_at=timezone.now() - timedelta(minutes=5))
    shown = [one["beat"] for one in staff.get("/admin/").context["observers"]]

    assert [(beat.state, beat.runs) for beat in shown] == [("late", 1), ("alive", 1)]


def test_what_waits_in_the_outbox_is_counted(staff: Client) -> None:
    assert staff.get("/admin/").context["outbox"] == {"number": "0", "oldest": ""}
    watched_run()
    outbox = staff.get("/admin/").context["outbox"]
    assert int(outbox["number"]) >= 1
    assert outbox["oldest"]


def test_a_failing_webhook_stands_before_a_healthy_one(staff: Client) -> None:
    Endpoint.objects.create(project_id=DEFAULT_PROJECT_ID, url="https://good.example/x", last_success_at=timezone.now())
    Endpoint.objects.create(project_id=DEFAULT_PROJECT_ID, url="https://bad.example/x", failures=50)
    shown = staff.get("/admin/").context["listeners"]

    assert [(one.name, one.health.colour) for one in shown] == [("bad.example", "red"), ("good.example", "green")]


def test_what_agents_say_is_escaped(staff: Client) -> None:
    Run.objects.filter(id=late_run("hard_deadline").id).update(mode_name=HOSTILE)
    assert HOSTILE not in home(staff)


def test_a_part_comes_without_the_frame(staff: Client) -> None:
    watched_run()
    shown = staff.get("/admin/?part").content.decode()
    assert "Open runs" in shown
    assert "<html" not in shown


def test_more_runs_cost_no_more_statements(staff: Client) -> None:
    late_run("hard_deadline")
    ended_run()
    staff.get("/admin/")
    with CaptureQueriesContext(connection) as few:
        staff.get("/admin/")
    for _ in range(3):
        late_run("hard_deadline")
        ended_run()
    with CaptureQueriesContext(connection) as many:
        staff.get("/admin/")

    assert len(many) == len(few)


def test_staff_who_may_not_see_runs_are_told_so(client: Client) -> None:
    watched_run()
    answer = member(client).get("/admin/")
    shown = answer.content.decode()
    assert (answer.status_code, answer["Content-Type"]) == (403, "text/html; charset=utf-8")
    assert "<code>runs.view_run</code>" in shown
    assert "Open runs" not in shown


def test_strangers_log_in_first(client: Client) -> None:
    response = client.get("/admin/")
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/admin/login/")
