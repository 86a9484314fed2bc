"""manage.py check_invariants: finds what must not be, says which run, and is quiet otherwise."""

from io import StringIO
from uuid import UUID

import orjson
import pytest
from django.core.management import call_command
from django.db import connection

from runs.domain.endings import EndingCode, Verdict
from runs.ending import end_run
from runs.models import Run
from runs.models.event import Event
from runs.recorder import record
from tests.cast import envelope, running_run

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("what must not be is written by hand, to be found"),
]


def checked(*options: str) -> tuple[int, str]:
    """The exit status and what was printed."""
    out = StringIO()
    try:
        call_command("check_invariants", *options, stdout=out)
    except SystemExit as left:
        return int(str(left.code)), out.getvalue()
    return 0, out.getvalue()


def broken(run_id: UUID) -> set[str]:
    """The invariants that one run breaks."""
    _, printed = checked("--run", str(run_id), "--json")
    return {one["invariant"] for one in orjson.loads(printed)["violations"]}


def ended_run() -> Run:
    run = running_run()
    record(run.id, [envelope(1), envelope(2)], epoch=0)
    end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=0)
    return run


def by_hand(statement: str, *values: object) -> None:
    """As only somebody with the database's own password could do it: no trigger, no constraint."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement, values)
        cursor.execute("SET session_replication_role = DEFAULT")


def test_a_database_that_keeps_its_promises_passes() -> None:
    runs = [ended_run(), running_run()]
    assert checked() == (0, f"{len(runs)} runs checked, 0 violations.\n")


@pytest.mark.parametrize(
    ("statement", "invariant"),
    [
        ("DELETE FROM runs_event WHERE run_id = %s AND seq = 3", "I1"),
        ("DELETE FROM runs_rawobservation WHERE run_id = %s AND seq = 1", "I1"),
        ("DELETE FROM runs_event WHERE run_id = %s AND type = 'run.completed'", "I2"),
        ("UPDATE runs_event SET type = 'run.failed' WHERE run_id = %s AND type = 'run.completed'", "I2"),
        ("UPDATE runs_run SET ending = NULL WHERE id = %s", "I2"),
        ("UPDATE runs_event SET lease_epoch = 7 WHERE run_id = %s AND seq = 2", "I5"),
        ("UPDATE runs_projection SET projected_seq = 2 WHERE run_id = %s", "I7"),
        ("UPDATE runs_projection SET state = replace(state, 'completed', 'failed') WHERE run_id = %s", "I7"),
        ("DELETE FROM runs_projection WHERE run_id = %s", "I7"),
        ("UPDATE runs_runtimesession SET cursor = 9 WHERE run_id = %s", "I8"),
        ("DELETE FROM runs_runtimesession WHERE run_id = %s", "I8"),
        ("UPDATE runs_run SET late_count = 1 WHERE id = %s", "I15"),
    ],
)
def test_whatever_is_broken_by_hand_is_found_and_named(statement: str, invariant: str) -> None:
    run, other = ended_run(), ended_run()
    assert broken(run.id) == set()
    by_hand(statement, run.id)

    assert invariant in broken(run.id)
    assert broken(other.id) == set()
    status, printed = checked()
    assert status == 1
    assert str(run.id) in printed
    assert str(other.id) not in printed


def test_a_second_ending_is_found() -> None:
    run = ended_run()
    by_hand("DROP INDEX events_one_ending")
    try:
        ending = Event.objects.filter(run_id=run.id).values().order_by("seq").last()
        columns = ", ".join(name for name in ending if name not in ("id", "seq"))
        by_hand(
            f"INSERT INTO runs_event (id, seq, {columns}) SELECT gen_random_uuid(), seq + 1, {columns}"
            " FROM runs_event WHERE run_id = %s AND type = 'run.completed'",
            run.id,
        )
        assert {"I1", "I2"} <= broken(run.id)
        by_hand("DELETE FROM runs_event WHERE run_id = %s", run.id)
    finally:
        by_hand(
            "CREATE UNIQUE INDEX events_one_ending ON runs_event (run_id)"
            " WHERE type IN ('run.cancelled', 'run.completed', 'run.failed')"
        )


def test_something_that_is_no_run_id_is_refused_with_a_plain_message() -> None:
    with pytest.raises(Exception, match="no run id"):
        call_command("check_invariants", "--run", "yesterday")
