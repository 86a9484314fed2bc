"""`manage.py recover_runs`: runs nobody living owns are taken up once, and the report says how that went."""

from io import StringIO
from typing import Any
from uuid import uuid4

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django.fixtures import Settings

from runs.domain.events import SessionState
from runs.domain.lifecycle import RunStatus
from runs.errors import RuntimeUnavailable, SessionNotFound
from runs.models import Event, Observer, Run
from runs.observer import recovery
from tests.cast import fresh, session_now
from tests.integration.runs.test_lease import owned_by_the_dead
from tests.invariants import assert_invariants
from tests.played import OPENED, Silence
from tests.puppet import START, Puppet, Stage
from tests.settling import ending_of
from tests.sweeping import make_due
from tests.underway import launched, running, starting

pytestmark = pytest.mark.django_db(transaction=True)

GONE = SessionNotFound("gone")


def recovered(*arguments: str) -> tuple[int, str]:
    """The exit status and what was printed."""
    told = StringIO()
    try:
        call_command("recover_runs", *arguments, stdout=told)
    except SystemExit as left:
        return int(left.code or 0), told.getvalue()
    return 0, told.getvalue()


def report(*arguments: str) -> tuple[int, dict[str, Any]]:
    status, told = recovered("--json", *arguments)
    return status, orjson.loads(told)


def lost_run(stage: Stage) -> Run:
    run = owned_by_the_dead(running())
    stage.sessions[str(run.session_id)] = Puppet(states=[GONE], streams=[[GONE]])
    return run


def test_each_run_is_taken_up_once_and_is_free_again(stage: Stage) -> None:
    queued, quiet, again = launched(), owned_by_the_dead(running()), owned_by_the_dead(starting())
    stage.sessions[str(quiet.session_id)] = Puppet(streams=[[OPENED, Silence()]])
    status, told = report()
    modes = {one["runId"]: one["mode"] for one in told.pop("runs")}
    assert (status, told) == (0, {"claimed": 3, "recovered": 3, "failed": 0, "skipped": 0})
    assert modes == {str(queued.id): "fresh", str(quiet.id): "reattached", str(again.id): "rerun"}
    for run in (queued, quiet, again):
        assert fresh(run).observer_id is None
        assert not fresh(run).has_ended
    # It should have handed them back and be gone.
    assert Observer.objects.latest("started_at").lost_at is not None
    assert_invariants()


def test_it_exits_1_if_a_run_failed_and_says_which(stage: Stage) -> None:
    lost, fine = lost_run(stage), owned_by_the_dead(running())
    status, told = report()
    assert (status, told["claimed"], told["recovered"], told["failed"]) == (1, 2, 1, 1)
    codes = {one["runId"]: one.get("code") for one in told["runs"]}
    assert codes == {str(lost.id): "session_lost", str(fine.id): None}
    assert ending_of(lost)["code"] == "session_lost"


def test_a_run_that_ended_otherwise_meanwhile_is_no_failure(stage: Stage) -> None:
    for state in (SessionState.RESOLVED, SessionState.CANCELLED):
        run, over = owned_by_the_dead(running()), session_now(state, count=0)
        stage.sessions[str(run.session_id)] = Puppet(states=[over], streams=[[OPENED, START, over, Silence()]])
    status, told = report()
    assert (status, told["recovered"], told["failed"]) == (0, 2, 0)
    assert set(Run.objects.values_list("status", flat=True)) == {RunStatus.COMPLETED, RunStatus.CANCELLED}


def test_a_run_that_cannot_be_read_stops_nobody(stage: Stage) -> None:
    broken, fine = owned_by_the_dead(running()), owned_by_the_dead(running())
    Run.objects.filter(id=broken.id).update(request='{"from": "another world"}')
    status, told = report()
    assert (status, told["claimed"], told["recovered"], told["failed"]) == (1, 2, 1, 1)
    assert (ending_of(broken)["code"], fresh(fine).status) == ("internal_error", "running")


def test_a_runtime_that_is_away_is_waited_for_no_longer_than_a_report_may_take(
    stage: Stage, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert recovery.KNOWN_AFTER_SECONDS == 60.0
    monkeypatch.setattr(recovery, "KNOWN_AFTER_SECONDS", 1.0)
    away = owned_by_the_dead(running())
    stage.sessions[str(away.session_id)] = Puppet(
        states=[RuntimeUnavailable("nobody there")], streams=[[RuntimeUnavailable("nobody there")]]
    )
    status, told = report()
    assert (status, told["claimed"], told["recovered"], told["failed"], told["skipped"]) == (0, 1, 0, 0, 1)
    assert (fresh(away).observer_id, fresh(away).has_ended) == (None, False)


def test_one_run_alone(stage: Stage) -> None:
    wanted, other = owned_by_the_dead(running()), owned_by_the_dead(running())
    status, told = report("--run", str(wanted.id))
    assert (status, [one["runId"] for one in told["runs"]]) == (0, [str(wanted.id)])
    assert fresh(other).observer_id == other.observer_id


@pytest.mark.parametrize("reason", ["owned", "ended", "unknown", "too late"])
def test_a_run_that_is_not_to_be_had_is_skipped(reason: str, stage: Stage) -> None:
    run = launched() if reason == "too late" else running()
    if reason == "ended":
        lost = lost_run(stage)
        report()
        run = lost
    if reason == "too late":
        make_due(run, column="admission_deadline")
    run_id = uuid4() if reason == "unknown" else run.id
    epoch = fresh(run).lease_epoch
    status, told = report("--run", str(run_id))
    assert (status, told) == (0, {"claimed": 0, "recovered": 0, "failed": 0, "skipped": 1, "runs": []})
    assert fresh(run).lease_epoch == epoch
    assert report("--run", str(run_id), "--dry-run")[1]["runs"] == []


def test_a_dry_run_says_what_would_be_taken_up_and_changes_nothing(stage: Stage) -> None:
    orphan, owned = owned_by_the_dead(running()), running()
    before = (Event.objects.count(), Observer.objects.count(), fresh(orphan).updated_at)
    status, told = report("--dry-run")
    assert status == 0
    assert told == {"claimed": 0, "recovered": 0, "failed": 0, "skipped": 1, "runs": [{"runId": str(orphan.id)}]}
    assert (Event.objects.count(), Observer.objects.count(), fresh(orphan).updated_at) == before
    assert fresh(owned).observer_id == owned.observer_id


def test_in_words(stage: Stage) -> None:
    run = owned_by_the_dead(running())
    assert recovered("--dry-run") == (0, f"{run.id}\n1 runs would be taken up.\n")
    assert recovered() == (0, f"{run.id}  reattached\n1 claimed, 1 recovered, 0 failed, 0 skipped.\n")


def test_observers_that_beat_no_more_are_declared_lost_first(stage: Stage) -> None:
    run = running()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE runs_observer SET beat_at = clock_timestamp() - interval '1 hour'")
    assert report()[1]["recovered"] == 1
    assert fresh(run).lease_epoch == run.lease_epoch + 1


def test_by_hand_runs_are_taken_over_also_where_observers_may_not(stage: Stage, settings: Settings) -> None:
    settings.RUN_RECOVERY_ENABLED = False
    run = owned_by_the_dead(running())
    assert report()[1]["recovered"] == 1
    assert fresh(run).lease_epoch == run.lease_epoch + 1


def test_what_is_no_run_id_is_refused(stage: Stage) -> None:
    with pytest.raises(CommandError, match="no run id"):
        call_command("recover_runs", "--run", "first")
