"""The list of runs: which it shows, in which order and how far, and what actions say before they are done."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from insights import run_rows
from runs.domain.endings import EndingCode
from runs.models import Observer, Project, Run
from runs.models.identity import uuid7
from runs.recorder import record
from tests.cast import envelope, queued_message, queued_run, running_run
from tests.console import ended_run, member, watched_run

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.handmade_rows("runs are put at the times and with the words that the list has to tell apart"),
]
LIST = "/admin/console/runs/"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def staff(client: Client) -> Client:
    return member(client, "view_run", "change_run")


def context(staff: Client, **query: object) -> Any:
    response = staff.get(LIST, query)
    assert response.status_code == 200
    return response.context


def listed(staff: Client, **query: object) -> list[UUID]:
    return [one["run"].id for one in context(staff, **query)["lines"]]


def test_before_the_first_run_it_says_how_to_launch_one(staff: Client) -> None:
    assert "No runs yet" in staff.get(LIST).content.decode()
    watched_run()
    assert "No run matches" in staff.get(LIST, {"status": "failed"}).content.decode()


def test_a_line_tells_what_its_run_does(staff: Client) -> None:
    run = watched_run(tags=["blue"], source_ref="nightly")
    record(run.id, [envelope(number, sender=f"agent-{number}") for number in range(5)], epoch=1)
    (line,) = context(staff)["lines"]

    assert (line["run"].status, line["run"].event_type) == ("running", "message.received")
    assert line["run"].last_seq == Run.objects.get(id=run.id).last_seq
    assert (line["run"].participants, line["run"].names, line["more"]) == (5, ["agent-0", "agent-1", "agent-2"], 2)
    assert (line["run"].tags, line["run"].source_ref) == (["blue"], "nightly")


def test_a_large_state_is_not_taken_apart(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    watched_run()
    monkeypatch.setattr(run_rows, "BIGGEST_STATE", 10)
    (line,) = context(staff)["lines"]

    assert line["run"].participants is None
    assert "its state is too large for a list" in staff.get(LIST).content.decode()


def test_each_filter_finds_its_run_and_no_other(staff: Client) -> None:
    running_run(tags=["demo"])
    lost = ended_run(tags=["blue"], metadata={"environment": "staging"}, source_ref="sc-7")
    old = queued_run(created_at=timezone.now() - timedelta(days=3))
    Run.objects.filter(id=old.id).update(runtime_kind="macp", mode="sandbox", mode_name="macp.mode.task.v1")
    hour_ago = (timezone.now() - timedelta(hours=1)).isoformat()
    finding: list[tuple[dict[str, str], UUID]] = [
        *(({name: value}, lost.id) for name, value in _OF_THE_LOST),
        *(({name: value}, old.id) for name, value in _OF_THE_OLD),
        ({"to": hour_ago}, old.id),
        ({"from": hour_ago, "status": "failed"}, lost.id),
        ({"q": str(lost.id)}, lost.id),
        ({"q": str(old.session_id)}, old.id),
    ]

    for query, expected in finding:
        assert listed(staff, **query) == [expected], query


_OF_THE_LOST = [
    ("status", "failed"),
    ("code", "session_lost"),
    ("tag", "blue"),
    ("environment", "staging"),
    ("q", "sc-7"),
]
_OF_THE_OLD = [("status", "queued"), ("kind", "sandbox"), ("mode", "macp.mode.task.v1"), ("runtime", "macp")]


def test_a_message_names_its_run(staff: Client) -> None:
    run = watched_run()
    watched_run()
    assert listed(staff, q=queued_message(run).message_id) == [run.id]


def test_archived_runs_are_shown_when_asked_for(staff: Client) -> None:
    run = ended_run()
    Run.objects.filter(id=run.id).update(archived_at=timezone.now())
    assert listed(staff) == []
    assert listed(staff, archived=1) == [run.id]


def test_what_makes_no_sense_is_passed_over(staff: Client) -> None:
    run = watched_run()
    assert listed(staff, after="x_y", status="happy", code="'", q="\x00", **{"from": "yesterday"}) == [run.id]


def test_pages_follow_one_another_without_gap_or_repetition(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [watched_run() for _ in range(7)]
    # It should tell runs of the same moment apart.
    Run.objects.filter(id__in=[run.id for run in runs[2:6]]).update(created_at=runs[3].created_at)
    monkeypatch.setattr(run_rows.run_page, "__kwdefaults__", {"after": None, "limit": 2})
    seen, query = [], ""
    for _ in runs:  # more pages than there can be
        shown = staff.get(f"{LIST}?{query}").context
        seen += [one["run"].id for one in shown["lines"]]
        if not (query := shown["following"]):
            break

    assert seen == list(Run.objects.order_by("-created_at", "-id").values_list("id", flat=True))


def test_a_rare_run_is_looked_for_so_far_and_then_further(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_rows, "LOOKED_AT", 3)
    rare = ended_run()
    for _ in range(5):
        ended_run(EndingCode.RESOLVED)
    shown = context(staff, status="failed")

    assert shown["lines"] == []
    assert "Nothing matches among the runs back to" in staff.get(LIST, {"status": "failed"}).content.decode()
    assert [one["run"].id for one in staff.get(f"{LIST}?{shown['following']}").context["lines"]] == [rare.id]


def test_a_stretch_of_time_is_looked_for_where_it_is(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_rows, "LOOKED_AT", 1)
    old = ended_run(created_at=timezone.now() - timedelta(days=3))
    for _ in range(3):
        ended_run()
    assert listed(staff, to=(timezone.now() - timedelta(days=1)).isoformat()) == [old.id]


def test_open_runs_and_tags_are_found_however_far_back(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_rows, "LOOKED_AT", 1)
    run = watched_run(tags=["blue"])
    for _ in range(3):
        ended_run()
    assert listed(staff, status="running") == [run.id]
    assert listed(staff, tag="blue") == [run.id]
    assert listed(staff, q=run.session_id) == [run.id]


def test_more_runs_cost_no_more_statements(staff: Client) -> None:
    watched_run()
    staff.get(LIST)
    with CaptureQueriesContext(connection) as few:
        staff.get(LIST)
    for _ in range(4):
        watched_run()
    with CaptureQueriesContext(connection) as many:
        staff.get(LIST)

    assert len(many) == len(few)


def test_runs_of_another_project_are_not_shown(staff: Client) -> None:
    other = Project.objects.create(name="Other", slug="other")
    run = watched_run(project_id=other.id)
    assert listed(staff) == []
    assert listed(staff, q=str(run.id)) == []


def test_what_agents_say_is_escaped(staff: Client) -> None:
    run = watched_run(tags=[HOSTILE], source_ref=HOSTILE, source_kind=HOSTILE)
    Run.objects.filter(id=run.id).update(mode_name=HOSTILE)
    record(run.id, [envelope(1, sender=HOSTILE, kind=HOSTILE)], epoch=1)
    assert HOSTILE not in staff.get(LIST, {"q": HOSTILE}).content.decode()


def test_staff_who_may_only_look_have_no_actions(client: Client) -> None:
    watched_run()
    shown = member(client, "view_run").get(LIST).content.decode()
    assert 'name="run"' not in shown
    assert "data-action" not in shown


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("cancel", ["is cancelled by its observer", "cannot be cancelled", "there is no such run"]),
        ("recover", ["is watched by an observer that lives", "there is nothing to recover", "there is no such run"]),
        ("archive", ["is archived: lists do not show it any more; it goes on", "is archived already", "no such run"]),
        ("rebuild", ["its projection is made anew from", "its projection is made anew from", "no such run"]),
        ("export", ["is exported with", "is exported with", "no such run"]),
    ],
)
def test_a_dry_run_says_what_would_become_of_each_and_changes_nothing(
    action: str, said: list[str], staff: Client
) -> None:
    running, ended = watched_run(), ended_run()
    Run.objects.filter(id=ended.id).update(archived_at=timezone.now())
    before = list(Run.objects.order_by("id").values())
    query = {"action": action, "id": [str(running.id), str(ended.id), str(uuid7()), "no id"]}
    foreseen = staff.get(f"{LIST}preview", query).context["foreseen"]

    assert [one.run_id for one in foreseen[:2]] == [running.id, ended.id]
    assert len(foreseen) == 3
    for one, words in zip(foreseen, said, strict=True):
        assert words in one.words
    assert not foreseen[2].acts
    assert list(Run.objects.order_by("id").values()) == before


@pytest.mark.parametrize("silent_s", [None, 19, 21, 3600])
def test_runs_without_an_owner_that_may_still_live_would_be_recovered(
    silent_s: int | None, staff: Client, settings: Settings
) -> None:
    settings.OBSERVER_LEASE_S = 30
    run = watched_run()
    if silent_s is None:
        Run.objects.filter(id=run.id).update(observer_id=None)
    else:
        Observer.objects.update(beat_at=Now() - timedelta(seconds=silent_s))
    (one,) = staff.get(f"{LIST}preview", {"action": "recover", "id": str(run.id)}).context["foreseen"]
    assert one.acts == (silent_s != 19)


def test_an_unknown_action_is_refused(staff: Client) -> None:
    assert staff.get(f"{LIST}preview", {"action": "explode"}).status_code == 400


def test_runs_of_another_project_are_not_foreseen(staff: Client) -> None:
    run = watched_run(project_id=Project.objects.create(name="Other", slug="other").id)
    (one,) = staff.get(f"{LIST}preview", {"action": "cancel", "id": str(run.id)}).context["foreseen"]
    assert one.words == "there is no such run"
