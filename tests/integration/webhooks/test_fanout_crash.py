"""A process that dies in the fan-out, at any of its commits: every event is delivered, once, under one id (B07, W01)."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runs.crashpoint import CRASH_AT, CRASH_TRACE
from runs.domain.endings import EndingCode, Verdict
from runs.ending import end_run
from runs.models import OutboxEntry, Run
from runs.recorder import record
from tests.beside import environment_of
from tests.cast import envelope, running_run
from tests.fanned import assert_heard, fan_out_all, heard_by, listens, told_by_the_log
from tests.invariants import assert_invariants
from tests.processes import PROJECT
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db(transaction=True)

FANS_OUT = """
import django
django.setup()
from webhooks.fanout import fan_out_some
while fan_out_some(limit=1):
    pass
"""
DELETES = """
import sys
from uuid import UUID
import django
django.setup()
from runs.audit import Actor
from runs.models.project import DEFAULT_PROJECT_ID
from runs.operations.delete import delete_run
delete_run(project_id=DEFAULT_PROJECT_ID, run_id=UUID(sys.argv[1]), actor=Actor("tester"), request_id=None)
"""


def status_of(story: str, *arguments: str, **armed: str) -> int:
    """The exit status of a process that does this."""
    command = [sys.executable, "-c", story, *arguments]
    return subprocess.run(command, cwd=PROJECT, env=environment_of(armed), timeout=60, check=False).returncode


def scene() -> tuple[list[Endpoint], list[Run]]:
    """Two endpoints and two ended runs, the second of which has more entries, also ones that are dropped at first."""
    runs = [running_run(), running_run()]
    record(runs[1].id, [envelope(1), envelope(2)], epoch=None)
    for run in runs:
        end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=None)
    return [listens("run.*"), listens("message.received", "run.started")], runs


@pytest.mark.parametrize("step", ["webhooks.drop", "webhooks.fanout"])
@pytest.mark.parametrize("moment", ["before_commit", "after_commit"])
@pytest.mark.parametrize("nth", [1, 3])
def test_a_crash_of_the_fan_out_loses_no_delivery_and_doubles_none_b07_w01(step: str, moment: str, nth: int) -> None:
    endpoints, runs = scene()
    assert status_of(FANS_OUT, **{CRASH_AT: f"{step}.{moment}:{nth}"}) == -signal.SIGKILL
    assert OutboxEntry.objects.exists(), "it should have died before it was through"
    assert_invariants(outbox_is_read=True)
    before = dict(Delivery.objects.values_list("id", "body"))

    fan_out_all()

    assert_heard(endpoints, runs)
    assert {row.id: row.body for row in Delivery.objects.filter(id__in=before)} == before
    assert not OutboxEntry.objects.exists()


def test_these_are_all_places_where_a_fan_out_may_die_b07(tmp_path: Path) -> None:
    scene()
    trace = tmp_path / "trace"
    assert status_of(FANS_OUT, **{CRASH_TRACE: str(trace)}) == 0
    places = {f"{step}.{moment}" for step in ("drop", "fanout") for moment in ("before_commit", "after_commit")}
    assert set(trace.read_text().split()) == {f"webhooks.{place}" for place in places}


@pytest.mark.parametrize(("moment", "is_gone"), [("before_commit", False), ("after_commit", True)])
def test_a_crash_of_a_deletion_loses_no_delivery_of_its_run_b07(moment: str, is_gone: bool) -> None:
    endpoints, (run, other) = scene()
    told = {endpoint.id: told_by_the_log(run, endpoint.events) for endpoint in endpoints}
    assert status_of(DELETES, str(run.id), **{CRASH_AT: f"delete.{moment}"}) == -signal.SIGKILL
    assert Run.objects.filter(id=run.id).exists() is not is_gone
    assert Delivery.objects.exists() is is_gone

    fan_out_all()

    Delivery.objects.filter(run_id=other.id).delete()
    assert {endpoint.id: heard_by(endpoint) for endpoint in endpoints} == told
