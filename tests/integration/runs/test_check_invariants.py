"""manage.py check_invariants: whatever is broken is found by its number, and nothing else is, beside live writers too."""

import sys
import threading
from collections.abc import Callable, Iterator
from io import StringIO
from uuid import UUID

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from runs.domain.endings import EndingCode, Verdict
from runs.domain.projection import ProjectionState
from runs.ending import end_run
from runs.models import OutboundMessage, OutboxEntry, Projection, RawObservation, Run
from runs.models.identity import uuid7
from runs.queries import drift, folded_state, invariants, pages
from runs.recorder import quarantine, record
from tests.cast import ack, envelope, fresh, queued_message, running_run
from tests.processes import PROJECT

pytestmark = pytest.mark.django_db

HANDMADE = pytest.mark.handmade_rows("breaks on purpose what the command must find")


def check(*options: str) -> tuple[int, str]:
    """Exit code and output."""
    out = StringIO()
    try:
        call_command("check_invariants", *options, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def report(*options: str) -> dict[str, list[dict[str, object]]]:
    """What a program reads."""
    document: dict[str, list[dict[str, object]]] = orjson.loads(check("--json", *options)[1])
    return document


def rewrite(statement: str, *values: object) -> None:
    """The statement has changed one row of a log, past the guards of the database, as no code of ours could."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else the table could not be altered in this transaction
        cursor.execute("ALTER TABLE runs_event DISABLE TRIGGER USER")
        cursor.execute("ALTER TABLE runs_rawobservation DISABLE TRIGGER USER")
        cursor.execute(statement, values)
        assert cursor.rowcount == 1, statement
        cursor.execute("ALTER TABLE runs_event ENABLE TRIGGER USER")
        cursor.execute("ALTER TABLE runs_rawobservation ENABLE TRIGGER USER")


def eventful_run() -> Run:
    """A failed run of epoch 3 with everything in it that an invariant speaks of."""
    run = running_run(observer_id=uuid7(), lease_epoch=3)
    answered = queued_message(run, recipients=["alice"], reply_timeout_ms=60_000, claimed_epoch=3)
    open_to_the_end = queued_message(run, recipients=["bob"], reply_timeout_ms=60_000)
    queued_message(run)  # never sent
    acks = [ack(str(answered.message_id)), ack(str(open_to_the_end.message_id))]
    record(run.id, [*acks, envelope(1), envelope(2, sender="carol")], epoch=3)
    record(run.id, [envelope(1, text="other words")], epoch=3)
    end_run(run.id, Verdict(code=EndingCode.SESSION_LOST, message="gone"), epoch=3)
    quarantine(run.id, [envelope(3), envelope(2, text="other words")])
    return fresh(run)


def test_a_database_where_all_holds_is_told_in_one_line() -> None:
    eventful_run()
    running_run()

    assert check() == (0, "2 runs checked: every invariant holds.\n")
    assert report() == {"runs": 2, "violations": []}


def test_an_empty_database_breaks_nothing() -> None:
    assert check() == (0, "0 runs checked: every invariant holds.\n")


BROKEN_ON_PURPOSE: dict[str, tuple[str, str, Callable[[Run], object]]] = {}


def breaks(number: str, words: str) -> Callable[[Callable[[Run], object]], Callable[[Run], object]]:
    """The function breaks the invariant with this number, whose words begin so."""

    def named(function: Callable[[Run], object]) -> Callable[[Run], object]:
        BROKEN_ON_PURPOSE[function.__name__] = number, words, function
        return function

    return named


@breaks("I1", "events are numbered")
def a_missing_event(run: Run) -> None:
    rewrite("DELETE FROM runs_event WHERE run_id = %s AND seq = 6", run.id)


@breaks("I1", "events are numbered")
def an_event_that_nobody_counted(run: Run) -> None:
    Run.objects.filter(id=run.id).update(last_seq=run.last_seq - 1, ending_seq=run.last_seq - 1)


@breaks("I1", "events are numbered")
def an_event_before_the_first(run: Run) -> None:
    rewrite("UPDATE runs_event SET seq = 0 WHERE run_id = %s AND seq = 6", run.id)


@breaks("I1", "raw observations are numbered")
def a_missing_observation(run: Run) -> None:
    rewrite("DELETE FROM runs_rawobservation WHERE run_id = %s AND seq = 2", run.id)


@breaks("I2", "a run has an ending if and only if")
def an_ending_that_is_none(run: Run) -> None:
    rewrite("UPDATE runs_event SET type = 'artifact.created' WHERE run_id = %s AND type = 'run.failed'", run.id)


@breaks("I2", "a run has an ending if and only if")
def an_ending_of_another_status(run: Run) -> None:
    rewrite("UPDATE runs_event SET type = 'run.completed' WHERE run_id = %s AND type = 'run.failed'", run.id)


@breaks("I2", "a run has an ending if and only if")
def an_ending_that_the_run_does_not_know(run: Run) -> None:
    Run.objects.filter(id=run.id).update(status="running", ended_at=None, ending_seq=None)


@breaks("I2", "an ended run shows the certificate")
def another_certificate(run: Run) -> None:
    Run.objects.filter(id=run.id).update(ending='{"code":"resolved"}')


@breaks("I2", "an ended run shows the certificate")
def a_failure_without_its_code(run: Run) -> None:
    Run.objects.filter(id=run.id).update(error_code=None)


@breaks("I2", "when a run has ended no message is under way")
def a_message_under_way_after_the_end(run: Run) -> None:
    OutboundMessage.objects.filter(run_id=run.id, status="failed").update(status="sent")


@breaks("I2", "when a run has ended no message is under way")
def a_reply_owed_after_the_end(run: Run) -> None:
    OutboundMessage.objects.filter(run_id=run.id, reply_status="unanswered").update(reply_status="pending")


@breaks("I2", "a reply that is owed is answered or unanswered")
def a_reply_that_no_event_tells(run: Run) -> None:
    OutboundMessage.objects.filter(run_id=run.id, status="failed").update(reply_status="answered")


@breaks("I2", "a reply that is owed is answered or unanswered")
def a_reply_that_only_an_event_tells(run: Run) -> None:
    OutboundMessage.objects.filter(run_id=run.id, reply_status="answered").update(reply_status=None)


@breaks("I2", "a reply that is owed is answered or unanswered")
def a_message_both_answered_and_unanswered(run: Run) -> None:
    message = OutboundMessage.objects.get(run_id=run.id, reply_status="answered")
    statement = "UPDATE runs_event SET data = %s WHERE run_id = %s AND type = 'message.unanswered'"
    rewrite(statement, orjson.dumps({"messageId": str(message.message_id)}).decode(), run.id)


@breaks("I4", "a late observation contradicts")
def a_conflict_in_the_same_words(run: Run) -> None:
    known = RawObservation.objects.get(run_id=run.id, source_id="env:m-1")
    statement = "UPDATE runs_lateobservation SET digest = %s WHERE run_id = %s AND source_id = 'env:m-1'"
    rewrite(statement, bytes(known.digest or b""), run.id)


@breaks("I4", "a late observation contradicts")
def a_conflict_with_nothing(run: Run) -> None:
    rewrite("UPDATE runs_lateobservation SET source_id = 'env:new' WHERE run_id = %s AND source_id = 'env:m-1'", run.id)


@breaks("I4", "a late observation contradicts")
def something_new_that_was_known(run: Run) -> None:
    changed = "UPDATE runs_lateobservation SET source_id = 'env:m-2', digest = ''"
    rewrite(f"{changed} WHERE run_id = %s AND source_id = 'env:m-3'", run.id)


@breaks("I5", "lease epochs never go back")
def an_epoch_that_went_back(run: Run) -> None:
    rewrite("UPDATE runs_event SET lease_epoch = 2 WHERE run_id = %s AND seq = 6", run.id)


@breaks("I5", "lease epochs never go back")
def an_epoch_the_run_never_had(run: Run) -> None:
    Run.objects.filter(id=run.id).update(lease_epoch=2)


@breaks("I5", "no message was claimed")
def a_claim_under_an_epoch_the_run_never_had(run: Run) -> None:
    OutboundMessage.objects.filter(run_id=run.id, claimed_epoch=3).update(claimed_epoch=4)


@breaks("I6", "whoever owns a run has taken an epoch")
def an_ended_run_that_was_taken(run: Run) -> None:
    Run.objects.filter(id=run.id).update(lease_epoch=4)


@breaks("I6", "whoever owns a run has taken an epoch")
def an_owner_without_an_epoch(run: Run) -> None:
    Run.objects.filter(id=run.id).update(lease_epoch=0)


@breaks("I7", "every run has its projection")
def no_projection(run: Run) -> None:
    Projection.objects.filter(run_id=run.id).delete()


@breaks("I7", "every run has its projection")
def a_projection_that_says_it_goes_further(run: Run) -> None:
    Projection.objects.filter(run_id=run.id).update(projected_seq=run.last_seq + 1)


@breaks("I7", "the stored projection is the fold")
def a_projection_of_something_else(run: Run) -> None:
    state = run.projection.state.replace('"status":"failed"', '"status":"running"')
    Projection.objects.filter(run_id=run.id).update(state=state)


@breaks("I7", "the stored projection is the fold")
def a_private_count_that_is_off(run: Run) -> None:
    private = run.projection.private.replace('"messageCount":', '"messageCount":1')
    Projection.objects.filter(run_id=run.id).update(private=private)


@breaks("I7", "the status of the run is the one that its log tells")
def a_status_nobody_gave_it(run: Run) -> None:
    Run.objects.filter(id=run.id).update(status="cancelled")


@breaks("I7", "the status of an outbound message")
def a_fate_that_no_event_tells(run: Run) -> None:
    OutboundMessage.objects.filter(run_id=run.id, status="failed").update(status="rejected")


@breaks("I7", "the status of an outbound message")
def a_fate_that_was_sealed_twice(run: Run) -> None:
    sealed = orjson.dumps(
        {"messageId": str(OutboundMessage.objects.filter(run_id=run.id)[0].message_id), "status": "failed"}
    )
    rewrite("UPDATE runs_event SET data = %s WHERE run_id = %s AND seq = 5", sealed.decode(), run.id)


@breaks("I8", "every run has its session")
def a_cursor_that_is_ahead(run: Run) -> None:
    rewrite("UPDATE runs_runtimesession SET cursor = cursor + 1 WHERE run_id = %s", run.id)


@breaks("I8", "every run has its session")
def no_session(run: Run) -> None:
    rewrite("DELETE FROM runs_runtimesession WHERE run_id = %s", run.id)


@breaks("I11", "what is left of a run in the outbox")
def a_hole_in_the_outbox(run: Run) -> None:
    (second,) = OutboxEntry.objects.filter(run_id=run.id).order_by("from_seq")[1:2]
    second.delete()


@breaks("I11", "what is left of a run in the outbox")
def a_last_event_that_never_came_into_the_outbox(run: Run) -> None:
    OutboxEntry.objects.filter(run_id=run.id).order_by("to_seq").last().delete()  # type: ignore[union-attr]


@breaks("I15", "nothing follows the ending in the log")
def an_event_after_the_ending(run: Run) -> None:
    rewrite("UPDATE runs_event SET seq = %s WHERE run_id = %s AND seq = 6", run.last_seq + 1, run.id)


@breaks("I15", "nothing follows the ending in the log")
def late_data_that_nobody_counted(run: Run) -> None:
    Run.objects.filter(id=run.id).update(late_count=1)


@HANDMADE
@pytest.mark.parametrize("name", BROKEN_ON_PURPOSE)
def test_what_is_broken_is_found_by_its_number_with_the_run_that_breaks_it(name: str) -> None:
    number, words, break_it = BROKEN_ON_PURPOSE[name]
    eventful_run()
    run = eventful_run()
    break_it(run)

    violations = report()["violations"]
    (found,) = [one for one in violations if one["id"] == number and str(one["words"]).startswith(words)]
    assert (found["count"], found["runIds"]) == (1, [str(run.id)])
    assert check()[0] == 1


GUARDS = {
    "events_run_seq": "ALTER TABLE runs_event DROP CONSTRAINT events_run_seq",
    "raw_run_seq": "ALTER TABLE runs_rawobservation DROP CONSTRAINT raw_run_seq",
    "events_one_ending": "DROP INDEX events_one_ending",
    "raw_run_source": "DROP INDEX raw_run_source",
    "runs_event_append_only": "ALTER TABLE runs_event DISABLE TRIGGER runs_event_append_only",
    "runs_rawobservation_append_only": "DROP TRIGGER runs_rawobservation_append_only ON runs_rawobservation",
}


@HANDMADE
@pytest.mark.parametrize("name", GUARDS)
def test_a_rule_the_database_no_longer_keeps_is_missing_i3(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(GUARDS[name])

    code, out = check()
    assert code == 1
    assert out.splitlines()[0].endswith(": missing")
    assert out.splitlines()[1:] == [f"    {name}"]
    assert report()["violations"][0]["missing"] == [name]


def test_every_invariant_is_broken_once_by_these_tests() -> None:
    broken = {
        invariant
        for invariant in invariants.invariants()
        for number, words, _ in BROKEN_ON_PURPOSE.values()
        if invariant.id == number and invariant.words.startswith(words)
    }
    guarded = {guard for guards in invariants.GUARDS.values() for guard in guards}

    assert broken == set(invariants.invariants()) - set(invariants.GUARDS)
    assert guarded == set(GUARDS)


@HANDMADE
def test_up_to_five_runs_are_named_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "RUNS_PER_PAGE", 2)
    runs = sorted(running_run().id for _ in range(8))
    Run.objects.filter(id__in=runs[1:]).update(late_count=9)

    code, out = check()
    (broken, *named) = out.splitlines()
    assert code == 1
    assert broken.startswith("I15 ")
    assert broken.endswith(": broken by 7 runs")
    assert named == [f"    {run_id}" for run_id in runs[1:6]]


@HANDMADE
def test_one_run_is_checked_alone() -> None:
    sound, broken = running_run(), running_run()
    Run.objects.filter(id=broken.id).update(late_count=9)

    assert check("--run", str(sound.id)) == (0, "1 run checked: every invariant holds.\n")
    assert check("--run", str(broken.id))[0] == 1


def test_an_unknown_run_exits_4() -> None:
    with pytest.raises(CommandError, match="there is no run 00000000-0000-7000-8000-000000000000") as caught:
        check("--run", "00000000-0000-7000-8000-000000000000")
    assert caught.value.returncode == 4
    with pytest.raises(CommandError, match="is no run id"):
        check("--run", "7")


def test_a_projection_of_an_older_schema_breaks_nothing_for_it_is_refolded_before_use() -> None:
    run = running_run()
    Projection.objects.filter(run_id=run.id).update(state="{}", private="{}", schema_version=1)
    assert check()[0] == 0


def test_a_bar_is_drawn_on_a_terminal_alone_and_never_into_the_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    running_run()
    assert check()[0] == 0
    assert capsys.readouterr().err == ""

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    code, out = check()
    assert (code, out.count("\n")) == (0, 1)
    assert "\rchecking [" in capsys.readouterr().err


class Busy:
    """Somebody who records into these runs all the time, in transactions of several statements."""

    def __init__(self, runs: list[UUID]) -> None:
        self.rounds = 0
        self._runs = runs
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> "Busy":
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._stop.set()
        self._thread.join()

    def _write(self) -> None:
        try:
            while not self._stop.is_set():
                for run_id in self._runs:
                    record(run_id, [envelope(f"{self.rounds}-{number}") for number in range(8)], epoch=None)
                self.rounds += 1
        finally:
            connection.close()


@pytest.mark.django_db(transaction=True)
def test_beside_writers_nothing_is_taken_for_broken() -> None:
    runs = [running_run().id for _ in range(6)]
    with Busy(runs) as busy:
        found = [check() for _ in range(6)]

    assert busy.rounds > 1
    assert found == [(0, "6 runs checked: every invariant holds.\n")] * 6


@pytest.fixture
def overtaken(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Whoever has folded a log is overtaken by a writer before he reads what is stored; how often that happened."""
    numbers: list[int] = []

    def folded_and_overtaken(run_id: UUID) -> ProjectionState:
        state = folded_state(run_id)
        numbers.append(len(numbers))
        writer = threading.Thread(target=write, args=(run_id, f"overtaking-{numbers[-1]}"))
        writer.start()
        writer.join()
        return state

    def write(run_id: UUID, name: str) -> None:
        try:
            record(run_id, [envelope(name)], epoch=None)
        finally:
            connection.close()

    with monkeypatch.context() as patched:
        patched.setattr(drift, "folded_state", folded_and_overtaken)
        yield numbers


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("command", [("check_invariants",), ("rebuild_projections", "--check")])
def test_a_writer_that_comes_between_two_reads_is_not_taken_for_a_fault(
    command: tuple[str, ...], overtaken: list[int]
) -> None:
    runs = [running_run(), running_run()]
    call_command(*command, stdout=StringIO())  # exits where anything is wrong

    assert len(overtaken) == 2
    assert [fresh(run).last_seq for run in runs] > [run.last_seq for run in runs]


@pytest.fixture
def locked(transactional_db: None) -> Iterator[Run]:
    """A run whose row somebody holds, with an event that is not committed."""
    run = running_run()
    holds, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                record(run.id, [envelope(1)], epoch=None)
                holds.set()
                done.wait(30)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert holds.wait(30)
    yield run
    done.set()
    holder.join()


@pytest.mark.django_db(transaction=True)
def test_a_lock_of_somebody_else_is_not_waited_for(locked: Run) -> None:
    assert check() == (0, "1 run checked: every invariant holds.\n")


def test_the_documented_invariants_are_those_that_are_checked() -> None:
    rows = [f"| {one.id} | {one.words} |" for one in invariants.invariants()]
    assert "\n".join(rows) in (PROJECT / "docs" / "database.md").read_text()
    assert {one.id for one in invariants.invariants()} == {*(f"I{number}" for number in range(1, 9)), "I11", "I15"}


@HANDMADE
@pytest.mark.parametrize(
    "wrong",
    [
        {"signal_count": 7},
        {"total_tokens": 7},
        {"cost_micro_usd": 7},
        {"outcome": 1},
        {"agents": {"eve": [1, 0, 0, 0]}},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_figures_that_are_not_those_of_the_state_are_a_drift(wrong: dict[str, object]) -> None:
    run = running_run()
    Projection.objects.filter(run_id=run.id).update(**wrong)
    _, found = drift.compared(run.id)

    assert found is not None
    assert found.path == next(iter(wrong))
