"""A commit calls the queue: at once, once, and only for somebody."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.db.models import F
from django.test import Client
from django_q.models import OrmQ
from pytest_django import Settings

from runs import hub
from runs.audit import Actor
from runs.domain.endings import EndingCode, Verdict
from runs.ending import end_run
from runs.hub.kicker import Kicker, own_connection
from runs.hub.queue_call import call_queue_now
from runs.models.project import DEFAULT_PROJECT_ID
from runs.operations.delete import delete_run
from runs.recorder import record, writing
from tests.beside import environment_of
from tests.cast import envelope, running_run
from tests.fanned import listens
from tests.integration.webhooks.subscribed import changed, delivery, patched, posted, subscribed
from tests.processes import PROJECT, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 15.0


@pytest.fixture(autouse=True)
def heard(silent_queue: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Here a commit calls the queue as everywhere else; one of another test, which may be called for a little later, not."""
    wait_until(lambda: not hub._kicker._is_asked.is_set(), within_s=PATIENCE, what="the last call of other tests")
    is_over = threading.Event()
    monkeypatch.setattr(hub, "_kicker", Kicker(lambda: None if is_over.is_set() else call_queue_now()))
    settings.OUTBOX_HEARD = "webhooks.fanout.has_listeners"
    yield
    is_over.set()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """How often the kicker of this process is asked; it does nothing."""
    times: list[None] = []
    idle = Kicker(lambda: None)
    monkeypatch.setattr(idle, "ask", lambda: times.append(None))
    monkeypatch.setattr(hub, "_kicker", idle)
    return times


def tasks() -> list[str]:
    """The tasks in the queue, by what they call."""
    return [str(task.task.get("func")) for task in OrmQ.objects.order_by("id")]


def test_a_commit_that_adds_to_the_outbox_calls_the_queue(settings: Settings) -> None:
    listens()
    running_run()
    wait_until(lambda: tasks() == [settings.OUTBOX_TASK], within_s=PATIENCE, what="the task")


def test_what_adds_nothing_and_what_is_rolled_back_calls_nobody(asked: list[None]) -> None:
    run = running_run()
    asked.clear()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record(run.id, [envelope(1)], epoch=None)
        raise ZeroDivisionError
    with writing(run.id, epoch=None) as writer:
        writer.change_run(progress_timeout_ms=5)
    assert asked == []
    with transaction.atomic():
        record(run.id, [envelope(1)], epoch=None)
        assert asked == []
    assert len(asked) == 1


def test_a_deletion_calls_the_queue_for_what_it_has_told(asked: list[None]) -> None:
    run = running_run()
    end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=None)
    asked.clear()
    delete_run(project_id=DEFAULT_PROJECT_ID, run_id=run.id, actor=Actor("tester"), request_id=None)
    assert len(asked) == 1


def test_where_nobody_hears_anything_no_task_is_queued(settings: Settings) -> None:
    call_queue_now()
    endpoint = listens(active=False)
    call_queue_now()
    type(endpoint).objects.update(active=True, deleted_at=F("created_at"))
    call_queue_now()
    assert tasks() == []
    type(endpoint).objects.update(deleted_at=None)
    call_queue_now()
    assert tasks() == [settings.OUTBOX_TASK]


def test_no_second_task_waits_beside_one_that_nobody_has_begun(settings: Settings) -> None:
    listens()
    settings.OUTBOX_TASK = "tests.fanned.another"
    call_queue_now()
    settings.OUTBOX_TASK = "webhooks.tasks.deliver"
    for _ in range(3):
        call_queue_now()
    assert tasks() == ["tests.fanned.another", settings.OUTBOX_TASK]
    # One that a worker has may be past what was committed since: it is called again.
    OrmQ.objects.update(lock=F("lock") + timedelta(seconds=120))
    call_queue_now()
    call_queue_now()
    assert tasks() == ["tests.fanned.another", settings.OUTBOX_TASK, settings.OUTBOX_TASK]


def test_whatever_else_waits_the_outbox_gets_its_task(settings: Settings) -> None:
    listens()
    OrmQ.objects.bulk_create([OrmQ(key="signalbox", payload="not signed", lock=None)] * 3)
    OrmQ.objects.filter(lock=None).update(lock="2020-01-01T00:00:00Z")
    call_queue_now()
    assert tasks()[-1] == settings.OUTBOX_TASK


def test_the_kicker_takes_no_connection_from_a_pool_b04(settings: Settings) -> None:
    seen: dict[str, object] = {}

    def look() -> None:
        shared = connections["default"]
        with own_connection():
            own = connections["default"]
            seen.update(own=own, shared=shared, options=dict(own.settings_dict["OPTIONS"]))
            with own.cursor() as cursor:
                cursor.execute("SELECT 1")
        seen["is_closed"] = own.connection is None
        shared.close()

    entry = connections["default"].settings_dict
    options = entry["OPTIONS"]
    entry["OPTIONS"] = {**options, "pool": {"min_size": 1, "max_size": 1, "timeout": 1}}
    try:
        thread = threading.Thread(target=look)
        thread.start()
        thread.join(PATIENCE)
    finally:
        entry["OPTIONS"] = options
    assert seen["own"] is not seen["shared"]
    assert "pool" not in seen["options"]  # type: ignore[operator]
    assert seen["is_closed"] is True


FORKED = """
import os, sys, threading, time
from uuid import UUID
import django
django.setup()
from django.db import connection
from runs.recorder import record
from tests.cast import envelope
run_id = UUID(sys.argv[1])
record(run_id, [envelope("parent")], epoch=None)
assert "kicker" in {thread.name for thread in threading.enumerate()}
connection.close()
child = os.fork()
if not child:
    from django_q.models import OrmQ
    assert threading.active_count() == 1
    while not OrmQ.objects.exists():  # the one call of its parent
        time.sleep(0.05)
    OrmQ.objects.all().delete()
    record(run_id, [envelope("child")], epoch=None)
    for _ in range(200):
        if OrmQ.objects.exists():
            os._exit(0)
        time.sleep(0.05)
    os._exit(1)
connection.close()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_worker_calls_the_queue_by_a_thread_of_its_own(asked: list[None]) -> None:
    listens()
    run = running_run()
    assert not OrmQ.objects.exists()
    command = [sys.executable, "-c", FORKED, str(run.id)]
    ended = subprocess.run(
        command,
        check=False,
        cwd=PROJECT,
        env=environment_of({"SIGNALBOX_PROCESS": "queue"}),
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert ended.returncode == 0, ended.stderr


def test_who_makes_deliveries_due_by_hand_calls_the_queue(asked: list[None], caller: Client) -> None:
    webhook = subscribed(caller)["id"]
    lost = delivery(webhook, "exhausted")
    changed(caller, webhook, paused=True)
    asked.clear()
    made_due = {
        "a test event": lambda: posted(caller, f"/webhooks/{webhook}/test"),
        "one again": lambda: posted(caller, f"/webhooks/{webhook}/deliveries/{lost.id}/resend"),
        "many again": lambda: posted(caller, f"/webhooks/{webhook}/replay"),
        "the end of a pause": lambda: patched(caller, webhook, paused=False),
    }
    for what, call in made_due.items():
        assert call().status_code in (200, 201)
        assert len(asked) == 1, what
        asked.clear()
