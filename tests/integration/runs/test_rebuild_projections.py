"""Rebuilding: whatever was stored, the projection is the fold of the log again, beside live writers and after the end."""

import threading
from collections.abc import Callable
from io import StringIO

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from runs.domain.endings import EndingCode, Verdict
from runs.domain.events import EventType
from runs.domain.projection import load, metrics_summary
from runs.ending import end_run
from runs.errors import Fenced, RunEnded, RunNotFound
from runs.models import Event, Projection, Run
from runs.models.identity import uuid7
from runs.operations.rebuild import rebuild_projection
from runs.queries import folded_state
from runs.recorder import quarantine, record
from tests.cast import ack, envelope, fresh, queued_message, running_run
from tests.invariants import assert_invariants, assert_projection_equals_fold
from tests.lock_waits import waiting_for_locks
from tests.processes import wait_until

pytestmark = pytest.mark.django_db


def command(*options: str) -> tuple[int, str]:
    """Exit code and output."""
    out = StringIO()
    try:
        call_command("rebuild_projections", *options, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def report(*options: str) -> dict[str, object]:
    """What a program reads."""
    document: dict[str, object] = orjson.loads(command("--json", *options)[1])
    return document


def talking_run() -> Run:
    """A run with messages, an answer that is owed, a subject and a trace."""
    run = running_run(trace_id="4bf92f3577b34da6a3ce929d0e0e4736")
    message = queued_message(run, recipients=["alice"], reply_timeout_ms=60_000)
    record(run.id, [ack(str(message.message_id)), envelope(1), envelope(2, sender="bob")], epoch=None)
    return fresh(run)


def stored(run: Run) -> tuple[str, str, int, int]:
    projection = Projection.objects.get(run_id=run.id)
    return projection.state, projection.private, projection.projected_seq, projection.schema_version


def spoil(run: Run, **columns: object) -> None:
    """The stored projection is something else, under the very version that is current (B13)."""
    state = run.projection.state.replace('"status":"running"', '"status":"suspended"')
    assert state != run.projection.state
    Projection.objects.filter(run_id=run.id).update(**{"state": state, **columns})


def test_what_was_stored_wrongly_under_the_present_version_is_made_right_b13() -> None:
    run = talking_run()
    right = stored(run)
    spoil(run, private="{}", projected_seq=1)
    rebuilt = rebuild_projection(run_id=run.id)

    assert stored(run) == right
    assert (rebuilt.latest_seq, rebuilt.has_changed) == (run.last_seq, True)
    assert not rebuild_projection(run_id=run.id).has_changed


def test_a_rebuilt_a_replayed_and_the_live_projection_are_equal_subjects_and_trace_included_b12() -> None:
    run = talking_run()
    live = stored(run)
    replayed = folded_state(run.id)
    rebuilt = rebuild_projection(run_id=run.id).state

    assert stored(run) == live
    assert replayed == rebuilt == load(*live[:2])
    assert '"subject":{"id":"m-2","kind":"message"}' in live[0]
    assert orjson.loads(live[0])["trace"]["traceId"] == run.trace_id


def test_a_run_without_a_projection_has_one_again() -> None:
    run = talking_run()
    right = stored(run)
    Projection.objects.filter(run_id=run.id).delete()
    rebuild_projection(run_id=run.id)

    assert stored(run) == right


def test_a_log_of_many_pages_is_rebuilt_to_its_last_event_b13() -> None:
    run = running_run()
    for start in range(0, 2_500, 250):
        record(run.id, [envelope(number) for number in range(start, start + 250)], epoch=None)
    run = fresh(run)
    right = stored(run)
    assert run.last_seq > 2_500
    spoil(run)
    assert rebuild_projection(run_id=run.id).latest_seq == run.last_seq

    assert stored(run) == right


def test_an_ended_run_is_rebuilt_and_nothing_of_it_but_the_projection_changes_b19() -> None:
    run = talking_run()
    spoiled = fresh(run).projection
    end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=None)
    ended, right = Run.objects.filter(id=run.id).values().get(), stored(run)
    Projection.objects.filter(run_id=run.id).update(state=spoiled.state, private=spoiled.private)
    rebuild_projection(run_id=run.id)

    assert stored(run) == right
    assert Run.objects.filter(id=run.id).values().get() == ended
    # Nor does what comes late, or another rebuild, move how long it took.
    summary = metrics_summary(load(*right[:2]))
    quarantine(run.id, [envelope(9)])
    rebuild_projection(run_id=run.id)
    assert metrics_summary(load(*stored(run)[:2])) == summary
    assert summary["durationMs"] == ended["metadata"]["durationMs"]


def test_after_a_rebuild_the_metrics_equal_a_recount_over_the_log_b03() -> None:
    run = talking_run()
    spoil(run, private=run.projection.private.replace('"messageCount":', '"messageCount":9'))
    summary = metrics_summary(rebuild_projection(run_id=run.id).state)

    events = list(Event.objects.filter(run_id=run.id).order_by("seq"))
    accepted = [one for one in events if one.type == EventType.MESSAGE_SENT and '"status":"accepted"' in one.data]
    received = [one for one in events if one.type == EventType.MESSAGE_RECEIVED]
    assert summary["eventCount"] == len(events)
    assert summary["messageCount"] == len(received) + len(accepted) == 3
    assert summary["durationMs"] == (events[-1].ts - events[0].ts).total_seconds() * 1000


def test_a_repair_opens_no_way_into_the_log() -> None:
    run = talking_run()
    Run.objects.filter(id=run.id).update(lease_epoch=5)
    with transaction.atomic():
        assert Run.objects.lock_to_repair(run.id).last_seq == run.last_seq
        with pytest.raises(Fenced):
            record(run.id, [envelope(3)], epoch=4)
        end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=5)
        assert Run.objects.lock_to_repair(run.id).status == "completed"
        with pytest.raises(RunEnded):
            record(run.id, [envelope(3)], epoch=5)
    with pytest.raises(RunNotFound), transaction.atomic():
        Run.objects.lock_to_repair(uuid7())


def test_every_run_is_rebuilt_and_those_that_changed_are_named() -> None:
    sound, spoiled = talking_run(), talking_run()
    end_run(spoiled.id, Verdict(code=EndingCode.RESOLVED), epoch=None)
    Projection.objects.filter(run_id=spoiled.id).update(state="no JSON")

    line = {"runId": str(spoiled.id), "latestSeq": fresh(spoiled).last_seq}
    assert report() == {"rebuilt": 2, "changed": 1, "failed": 0, "runs": [line]}
    assert command() == (0, "2 rebuilt, 0 changed, 0 failed.\n")
    assert command("--run", str(sound.id)) == (0, "1 rebuilt, 0 changed, 0 failed.\n")


def test_an_older_schema_is_brought_up_to_date_and_is_no_drift() -> None:
    run = talking_run()
    right = stored(run)
    Projection.objects.filter(run_id=run.id).update(state="{}", private="{}", schema_version=1)

    assert report("--check") == {"checked": 1, "drifted": 0, "outdated": 1, "runs": []}
    assert report()["changed"] == 1
    assert stored(run) == right


@pytest.mark.handmade_rows("what has drifted is only told, and must still be there")
def test_with_check_drift_is_told_with_its_place_and_nothing_is_written() -> None:
    talking_run()
    spoiled, short, bare = talking_run(), talking_run(), talking_run()
    spoil(spoiled)
    Projection.objects.filter(run_id=short.id).update(projected_seq=2)
    Projection.objects.filter(run_id=bare.id).delete()
    before = list(Projection.objects.order_by("id").values())

    code, out = command("--check")
    assert code == 1
    seq = spoiled.last_seq
    assert out.splitlines() == [
        f"{spoiled.id}  state.run.status differs; stored up to event {seq}, folded up to {seq}",
        f"{short.id}  projectedSeq differs; stored up to event 2, folded up to {seq}",
        f"{bare.id}  projection differs; stored up to event 0, folded up to {seq}",
        "4 checked, 3 drifted, 0 outdated.",
    ]
    drifts = report("--check")["runs"]
    assert isinstance(drifts, list)
    assert drifts[0] == {"runId": str(spoiled.id), "path": "state.run.status", "storedSeq": seq, "foldedSeq": seq}
    assert drifts[2]["storedSeq"] is None
    assert list(Projection.objects.order_by("id").values()) == before


def test_without_drift_the_exit_code_is_0() -> None:
    talking_run()
    assert command("--check") == (0, "1 checked, 0 drifted, 0 outdated.\n")


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_an_unknown_run_exits_4(options: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="there is no run") as caught:
        command("--run", str(uuid7()), *options)
    assert caught.value.returncode == 4


def in_a_thread(work: Callable[[], object]) -> threading.Thread:
    """`work` has begun on a connection of its own."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.django_db(transaction=True)
def test_what_is_recorded_while_it_is_rebuilt_is_in_it_b13() -> None:
    run = talking_run()
    spoil(run)
    with transaction.atomic():
        record(run.id, [envelope(number) for number in range(10, 20)], epoch=None)
        rebuilding = in_a_thread(lambda: rebuild_projection(run_id=run.id))
        # It has folded what was committed before, and waits for the run's row.
        wait_until(waiting_for_locks, within_s=10, what="the rebuild")
    rebuilding.join()

    # The writer went on from what was spoilt; the rebuild knows both what it wrote and what was before.
    assert_projection_equals_fold(fresh(run))
    assert_invariants()


@pytest.mark.django_db(transaction=True)
def test_writers_and_rebuilds_at_once_leave_the_fold_of_the_log_b02() -> None:
    run = talking_run()
    rebuilds: list[int] = []

    def rebuild() -> None:
        for _ in range(30):
            rebuilds.append(rebuild_projection(run_id=run.id).latest_seq)

    def write(name: str) -> None:
        for number in range(30):
            record(run.id, [envelope(f"{name}-{number}"), envelope(f"{name}-{number}-b", sender=name)], epoch=None)

    threads = [in_a_thread(rebuild), in_a_thread(lambda: write("x")), in_a_thread(lambda: write("y"))]
    for thread in threads:
        thread.join()

    assert len(rebuilds) == 30
    assert rebuilds == sorted(rebuilds)
    assert_invariants()


@pytest.mark.django_db(transaction=True)
def test_a_run_that_somebody_holds_is_told_and_the_others_are_rebuilt() -> None:
    held, free = talking_run(), talking_run()
    spoil(free)
    outcome: list[dict[str, object]] = []
    with transaction.atomic():
        Run.objects.lock(held.id, epoch=None)
        thread = in_a_thread(lambda: outcome.append(report()))
        thread.join(30)

    error = {"runId": str(held.id), "error": "somebody else holds the lock of the run"}
    changed = {"runId": str(free.id), "latestSeq": free.last_seq}
    assert outcome == [{"rebuilt": 1, "changed": 1, "failed": 1, "runs": [error, changed]}]
