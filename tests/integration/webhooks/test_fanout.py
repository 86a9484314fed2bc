"""The fan-out: who hears what, how it is said, in which order entries go, and what nobody hears of."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from runs.domain.endings import EndingCode, Verdict
from runs.domain.events import Draft, EventType
from runs.ending import end_run
from runs.models import Event, OutboxEntry, Run
from runs.models.identity import uuid7
from runs.recorder import record
from tests.cast import MODE, envelope, fresh, queued_run, run_event, running_run
from tests.fanned import a_project, assert_heard, bodies_for, fan_out_all, heard_by, listens, told_by_the_log
from webhooks import fanout
from webhooks.fanout import fan_out_some, run_log
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db

EVERYTHING = "*"


def moved(run: Run, kind: EventType, status: str) -> None:
    """The run's session is suspended, or goes on."""
    draft = run_event(run.id, kind, status, runStatus=status, runtimeSessionId=run.session_id)
    record(run.id, [draft], epoch=None)


def full_life(**columns: object) -> Run:
    """A run that was suspended, went on, said something and failed."""
    run = running_run(**columns)
    record(run.id, [envelope(1), envelope(2, sender="bob")], epoch=None)
    moved(run, EventType.RUN_SUSPENDED, "suspended")
    moved(run, EventType.RUN_RESUMED, "running")
    record(run.id, [envelope(3)], epoch=None)
    end_run(run.id, Verdict(code=EndingCode.SESSION_LOST, message="it is gone"), epoch=None)
    return fresh(run)


def test_who_names_nothing_hears_how_a_run_goes() -> None:
    endpoint = listens()
    run = full_life()
    assert fan_out_some() > 0

    said = [(body["event"], body["type"], body["status"], body["data"]) for body in bodies_for(endpoint)]
    assert said == [
        ("run.started", "run.started", "running", {}),
        ("run.suspended", "run.suspended", "suspended", {}),
        ("run.resumed", "run.resumed", "running", {}),
        ("run.failed", "run.failed", "failed", {"error": "it is gone"}),
    ]
    assert not OutboxEntry.objects.exists()
    assert_heard([endpoint], [run])


def test_a_body_names_its_event_and_a_delivery_is_due_by_the_schedule(settings: Settings) -> None:
    settings.WEBHOOK_RETRY_SCHEDULE = [7, 60]
    endpoint = listens("run.failed")
    run = full_life()
    fan_out_some()

    delivery = Delivery.objects.get()
    event = Event.objects.get(run_id=run.id, type="run.failed")
    body = orjson.loads(bytes(delivery.body))
    assert (body["runId"], body["eventId"], body["seq"]) == (str(run.id), str(event.id), event.seq)
    assert body["timestamp"] == event.ts.strftime("%Y-%m-%dT%H:%M:%S.") + f"{event.ts.microsecond // 1000:03}Z"
    assert (delivery.event_id, delivery.run_id, delivery.seq) == (event.id, run.id, event.seq)
    assert (delivery.project_id, delivery.endpoint_id) == (run.project_id, endpoint.id)
    assert (delivery.status, delivery.attempts, delivery.tries, delivery.claim_epoch) == ("pending", 0, 0, 0)
    assert delivery.due_at == delivery.next_attempt_at == delivery.created_at + timedelta(seconds=7)
    assert delivery.locked_until is None


def test_every_event_says_the_status_that_the_run_had_with_it() -> None:
    endpoint = listens(EVERYTHING)
    run = full_life()
    fan_out_some()

    stories = [(body["event"], body["status"]) for body in bodies_for(endpoint)]
    status, told = "queued", []
    for kind, data in Event.objects.filter(run_id=run.id).order_by("seq").values_list("type", "data"):
        document = orjson.loads(data)
        status = document.get("runStatus") or (document["status"] if kind.startswith("run.") else status)
        told.append((kind, status))
    assert [one for one in stories if one[0] != "run.started"] == [one for one in told if one[0] != "run.started"]


@pytest.mark.parametrize("is_behind", [False, True])
def test_so_does_one_of_a_slice_in_which_nothing_moved(is_behind: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fanout, "SLICE", 1)
    endpoint = listens("message.received")
    run = running_run()
    record(run.id, [envelope(1)], epoch=None)
    if not is_behind:
        fan_out_all(limit=1)
    moved(run, EventType.RUN_SUSPENDED, "suspended")
    fan_out_all(limit=1)
    record(run.id, [envelope(2)], epoch=None)
    fan_out_all(limit=1)
    assert [body["status"] for body in bodies_for(endpoint)] == ["running", "suspended"]


def test_an_event_that_wears_two_names_is_delivered_under_both() -> None:
    endpoint = listens(EVERYTHING)
    run = running_run()
    fan_out_some()

    names = dict.fromkeys(name for _, name in heard_by(endpoint))
    assert list(names) == ["run.created", "session.bound", "run.started", "session.state.changed"]
    running = Event.objects.get(run_id=run.id, type="session.state.changed")
    both = Delivery.objects.filter(event_id=running.id)
    assert sorted(both.values_list("event_type", flat=True)) == ["run.started", "session.state.changed"]
    assert len(set(both.values_list("id", flat=True))) == 2


def test_an_event_carries_its_data_as_it_is_stored_unless_that_is_long() -> None:
    endpoint = listens("message.received")
    run = running_run()
    record(run.id, [envelope(1, text="short"), envelope(2, text="x" * 25_000)], epoch=None)
    fan_out_some()

    stored = Event.objects.filter(run_id=run.id, type="message.received").order_by("seq")
    short, long = Delivery.objects.filter(endpoint=endpoint).order_by("seq")
    assert bytes(short.body).endswith(f'"data":{stored[0].data}}}'.encode())
    thin = orjson.loads(bytes(long.body))
    assert thin["data"] == {}
    assert thin["dataUrl"] == f"/runs/{run.id}/events?afterSeq={long.seq - 1}&limit=1"
    assert len(bytes(long.body)) < 1_000


@pytest.mark.parametrize(
    ("filters", "hears"),
    [
        ({}, True),
        ({"tags": ["blue", "red"]}, True),
        ({"tags": ["green"]}, False),
        ({"mode_name": MODE}, True),
        ({"mode_name": "another"}, False),
        ({"environment": "staging"}, True),
        ({"environment": "production"}, False),
        ({"tags": ["red"], "mode_name": MODE, "environment": "staging"}, True),
        ({"tags": ["red"], "mode_name": MODE, "environment": "production"}, False),
        ({"run_id": "this"}, True),
        ({"run_id": "another"}, False),
        ({"active": False}, False),
        ({"deleted_at": "now"}, False),
        ({"paused_at": "now"}, True),
        ({"project": "another"}, False),
    ],
)
def test_an_endpoint_hears_of_the_runs_it_asks_for(filters: dict[str, Any], hears: bool) -> None:
    run = running_run(tags=["red", "round"], metadata={"environment": "staging"})
    columns = dict(filters)
    if "run_id" in columns:
        columns["run_id"] = run.id if columns["run_id"] == "this" else uuid7()
    if "project" in columns:
        columns["project"] = a_project()
    columns |= {name: run.created_at for name in ("deleted_at", "paused_at") if name in columns}
    endpoint = listens(**columns)
    assert fan_out_some() == 2

    assert bool(heard_by(endpoint)) is hears
    assert not OutboxEntry.objects.exists()


def test_a_run_without_an_environment_is_of_none() -> None:
    endpoint, other = listens(environment="staging"), listens()
    running_run()
    fan_out_some()
    assert (heard_by(endpoint), len(heard_by(other))) == ([], 1)


def test_projects_hear_nothing_of_each_other_i17() -> None:
    ours, theirs = a_project(), a_project()
    our_endpoint, their_endpoint = listens(EVERYTHING, project=ours), listens(EVERYTHING, project=theirs)
    our_run, their_run = running_run(project=ours), running_run(project=theirs)
    fan_out_some()
    assert_heard([our_endpoint], [our_run])
    assert_heard([their_endpoint], [their_run])


def test_what_nobody_hears_of_is_dropped_without_a_look_into_any_log() -> None:
    listens("run.completed")
    listens(EVERYTHING, run_id=uuid7())
    run = running_run()
    for number in range(5):
        record(run.id, [envelope(number)], epoch=None)
    with CaptureQueriesContext(connection) as captured:
        assert fan_out_some(limit=1) == 7
    said = " ".join(query["sql"] for query in captured.captured_queries)
    assert "runs_event" not in said
    assert said.count("FROM webhooks_endpoint") == 1
    assert not OutboxEntry.objects.exists()


def test_an_outbox_that_nobody_hears_of_goes_in_a_few_statements() -> None:
    run = running_run()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO runs_outboxentry (id, run_id, from_seq, to_seq, types)"
            " SELECT gen_random_uuid(), %s, number, number, '{message.received}' FROM generate_series(5, 20004) AS number",
            [run.id],
        )
    with CaptureQueriesContext(connection) as captured:
        while fan_out_some():
            pass
    assert not OutboxEntry.objects.exists()
    assert len(captured) < 40


def test_what_is_heard_of_between_is_found_and_what_is_left_has_no_hole() -> None:
    endpoint = listens("message.received")
    run = running_run()
    record(run.id, [envelope(1)], epoch=None)
    moved(run, EventType.RUN_SUSPENDED, "suspended")
    assert fan_out_some(limit=1) == 3
    assert heard_by(endpoint) == told_by_the_log(run, ["message.received"])
    # It should leave what comes behind for the next.
    assert OutboxEntry.objects.get().from_seq == fresh(run).last_seq
    assert fan_out_some(limit=1) == 1
    assert fan_out_some(limit=1) == 0


def test_no_more_entries_are_turned_at_once_than_were_asked_for() -> None:
    listens(EVERYTHING)
    runs = [running_run() for _ in range(3)]
    assert fan_out_some(limit=3) == 3
    # The oldest first: both of the first run, one of the second.
    assert Delivery.objects.filter(run_id=runs[0].id).count() == 4
    assert Delivery.objects.filter(run_id=runs[1].id).count() == 1
    assert not Delivery.objects.filter(run_id=runs[2].id).exists()


def test_a_fan_out_that_is_done_again_adds_nothing() -> None:
    endpoint = listens(EVERYTHING)
    run = full_life()
    entries = list(OutboxEntry.objects.all())
    fan_out_all()
    first = list(Delivery.objects.order_by("id").values_list("id", "body"))
    OutboxEntry.objects.bulk_create(entries)
    fan_out_all()
    assert list(Delivery.objects.order_by("id").values_list("id", "body")) == first
    assert not OutboxEntry.objects.exists()
    assert_heard([endpoint], [run])


def test_a_long_entry_is_taken_in_parts_and_nothing_of_it_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fanout, "SLICE", 7)
    monkeypatch.setattr(run_log, "PAGE", 3)
    endpoint = listens(EVERYTHING)
    run = running_run()
    fan_out_all()
    record(run.id, [envelope(number) for number in range(20)], epoch=None)
    long = OutboxEntry.objects.get()

    parts = 0
    while fan_out_some(limit=1):
        parts += 1
        # What is left begins later and ends where it ended.
        assert not OutboxEntry.objects.exclude(to_seq=long.to_seq, from_seq=long.from_seq + 7 * parts).exists()
    assert parts == -(-(long.to_seq - long.from_seq + 1) // 7)
    assert_heard([endpoint], [run])


def test_a_run_that_cannot_be_told_keeps_nobody_from_hearing_of_others(caplog: pytest.LogCaptureFixture) -> None:
    endpoint = listens("message.received")
    broken, whole = running_run(), running_run()
    for run in (broken, whole):
        record(run.id, [envelope(1)], epoch=None)
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE webhooks_delivery ADD CONSTRAINT full_up CHECK (run_id <> '{broken.id}') NOT VALID"
        )
    assert fan_out_all() > 0
    assert [row.run_id for row in Delivery.objects.filter(endpoint=endpoint)] == [whole.id]
    assert OutboxEntry.objects.filter(run_id=broken.id).exists()
    assert f"nobody hears of run {broken.id}" in caplog.text


def test_an_entry_of_a_run_that_is_gone_is_dropped() -> None:
    listens(EVERYTHING)
    OutboxEntry.objects.create(run_id=uuid7(), from_seq=1, to_seq=2, types=["run.created"])
    assert fan_out_some() == 1
    assert not OutboxEntry.objects.exists()


def test_deliveries_outlive_the_endpoint_that_is_no_longer_heard() -> None:
    endpoint = listens(EVERYTHING)
    run = running_run()
    fan_out_all()
    type(endpoint).objects.update(deleted_at=F("created_at"))
    record(run.id, [envelope(1)], epoch=None)
    fan_out_all()
    assert max(seq for seq, _ in heard_by(endpoint)) == 4


def test_a_status_that_an_agent_speaks_of_is_not_the_runs() -> None:
    endpoint = listens()
    run = queued_run()
    record(run.id, [run_event(run.id, EventType.RUN_STARTED, "starting")], epoch=None)
    data = {"sessionId": run.session_id, "runStatus": "binding_session", "extensionKeys": [{"runStatus": "running"}]}
    record(run.id, [Draft(type=EventType.SESSION_BOUND, data=data)], epoch=None)
    record(run.id, [Draft(type=EventType.SESSION_STATE_CHANGED, data={"runStatus": "running"})], epoch=None)
    fan_out_all()
    assert heard_by(endpoint) == [(4, "run.started")]
