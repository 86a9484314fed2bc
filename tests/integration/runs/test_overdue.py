"""What is owed and not given in time gets its fate from the sweep: exactly once, whoever sweeps or answers meanwhile."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import orjson
import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from runs.domain.endings import EndingCode, Verdict
from runs.ending import end_run
from runs.models import Event, OutboundMessage, Run
from runs.observer import lease
from runs.observer.overdue import expire_replies, fail_unclaimed
from runs.recorder import record
from tests.answering import kickoff_message, waiting_message
from tests.cast import ack, envelope, fresh, running_run
from tests.invariants import assert_invariants, types_of
from tests.lock_waits import waiting_for_locks
from tests.observing import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

HOUR_MS = 3_600_000


def owing(run: Run, *, is_due: bool = True, to: str = "alice") -> OutboundMessage:
    """An accepted message that owes a reply, overdue or not."""
    message = waiting_message(run, recipients=[to], reply_timeout_ms=HOUR_MS)
    record(run.id, [ack(str(message.message_id))], epoch=None)
    if is_due:
        OutboundMessage.objects.filter(id=message.id).update(reply_deadline_at=run.created_at)
    return message


def reply_status(message: OutboundMessage) -> str | None:
    message.refresh_from_db()
    return message.reply_status


def outbound(run: Run) -> dict[str, int]:
    counters: dict[str, int] = orjson.loads(fresh(run).projection.state)["outboundMessages"]
    return counters


def at_once(*works: Callable[[], object]) -> list[object]:
    """What each of `works` returned or raised, begun together on a thread and a connection of its own."""
    together = threading.Barrier(len(works))

    def one(work: Callable[[], object]) -> object:
        together.wait()
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as threads:
        return [future.result() for future in [threads.submit(one, work) for work in works]]


def test_a_reply_that_does_not_come_in_time_is_unanswered_and_an_event_says_so() -> None:
    run = running_run()
    due, later = owing(run), owing(run, is_due=False)

    assert expire_replies() == 1

    event = Event.objects.get(run_id=run.id, type="message.unanswered")
    assert (event.source_name, event.subject_kind, event.subject_id) == ("sweeper", "message", str(due.message_id))
    data = orjson.loads(event.data)
    assert data == {"messageId": str(due.message_id), "replyTimeoutMs": HOUR_MS, "reason": "timeout"}
    assert (reply_status(due), reply_status(later)) == ("unanswered", "pending")
    assert (outbound(run)["awaitingReply"], outbound(run)["unanswered"]) == (1, 1)
    assert expire_replies() == 0
    assert_invariants()


def test_a_reply_after_its_deadline_is_a_message_like_any_other() -> None:
    run = running_run()
    message = owing(run)
    expire_replies()

    record(run.id, [envelope(1, sender="alice")], epoch=None)

    assert reply_status(message) == "unanswered"
    assert "message.answered" not in types_of(run.id)
    assert_invariants()


def test_a_reply_that_was_recorded_before_the_sweep_looks_stays_an_answer() -> None:
    run = running_run()
    message = owing(run)
    record(run.id, [envelope(1, sender="alice")], epoch=None)

    assert expire_replies() == 0
    assert reply_status(message) == "answered"
    assert_invariants()


def test_a_reply_and_two_sweeps_at_the_same_moment_give_one_fate() -> None:
    runs = [running_run() for _ in range(15)]
    messages = [owing(run) for run in runs]

    def answer() -> None:
        for run in runs:
            record(run.id, [envelope(1, sender="alice")], epoch=None)

    _, first, second = at_once(answer, expire_replies, expire_replies)

    fates = [reply_status(message) for message in messages]
    assert set(fates) <= {"answered", "unanswered"}
    assert fates.count("unanswered") == int(str(first)) + int(str(second))
    for run, fate in zip(runs, fates, strict=True):
        told = [kind for kind in types_of(run.id) if kind in ("message.answered", "message.unanswered")]
        assert told == [f"message.{fate}"]
    assert_invariants()


def test_a_sweep_that_waited_for_the_lock_of_a_run_sees_the_reply_recorded_meanwhile() -> None:
    run = running_run()
    message = owing(run)
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            Run.objects.lock(run.id, epoch=None)
            sweeping = threads.submit(at_once, expire_replies)
            wait_for(waiting_for_locks, "the sweep at the lock")
            record(run.id, [envelope(1, sender="alice")], epoch=None)
        assert sweeping.result() == [0]

    assert reply_status(message) == "answered"
    assert "message.unanswered" not in types_of(run.id)
    assert_invariants()


def test_an_ending_settles_what_is_owed_and_leaves_nothing_to_the_sweep() -> None:
    run = running_run()
    message = owing(run)
    end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=None)

    assert expire_replies() == 0
    [event] = Event.objects.filter(run_id=run.id, type="message.unanswered")
    assert orjson.loads(event.data)["reason"] == "run_ended"
    assert reply_status(message) == "unanswered"
    assert_invariants()


def test_an_ending_and_a_sweep_at_the_same_moment_give_one_fate() -> None:
    runs = [running_run() for _ in range(10)]
    messages = [owing(run) for run in runs]

    def end() -> None:
        for run in runs:
            end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=None)

    at_once(end, expire_replies)

    assert {reply_status(message) for message in messages} == {"unanswered"}
    assert [types_of(run.id).count("message.unanswered") for run in runs] == [1] * 10
    assert_invariants()


def test_a_sweep_settles_no_more_than_it_was_told_to_and_the_longest_overdue_first() -> None:
    run, other = running_run(), running_run()
    messages = [owing(run), owing(other), owing(run)]
    OutboundMessage.objects.filter(id=messages[1].id).update(reply_deadline_at="2001-01-01T00:00:00Z")

    assert expire_replies(limit=1) == 1
    assert [reply_status(message) for message in messages] == ["pending", "unanswered", "pending"]
    assert expire_replies(limit=5) == 2
    assert_invariants()


def test_a_run_that_somebody_holds_is_left_to_the_next_sweep_and_the_others_are_not() -> None:
    held, free = running_run(), running_run()
    waits, goes = owing(held), owing(free)

    def impatient_sweep() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 100")
        return expire_replies()

    with transaction.atomic():
        Run.objects.lock(held.id, epoch=None)
        assert at_once(impatient_sweep) == [1]
    assert (reply_status(waits), reply_status(goes)) == ("pending", "unanswered")
    assert expire_replies() == 1
    assert_invariants()


def test_overdue_replies_are_found_by_their_index() -> None:
    run = running_run()
    owing(run)
    plans = []

    def explain(execute: Callable[..., object], sql: str, params: object, many: bool, context: object) -> object:
        if sql.lstrip().startswith("SELECT m.run_id"):
            with connection.cursor() as cursor, transaction.atomic():
                # On so few rows a scan is cheaper: the question is whether the index can serve at all.
                cursor.execute("SET LOCAL enable_seqscan = off")
                cursor.execute("SET LOCAL enable_sort = off")
                cursor.execute(f"EXPLAIN {sql}", params)
                plans.append("\n".join(line for (line,) in cursor.fetchall()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        expire_replies()
        fail_unclaimed()

    assert "messages_reply_due" in plans[0]
    assert "messages_unsettled" in plans[1]


def unclaimed(run: Run, *, age_s: int = 60, **columns: object) -> OutboundMessage:
    """A queued message that was stored so long ago."""
    message = waiting_message(run, **columns)  # type: ignore[arg-type]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE runs_outboundmessage SET created_at = clock_timestamp() - make_interval(secs => %s) WHERE id = %s",
            [age_s, message.id],
        )
    return message


def owned_by_somebody(run: Run) -> UUID:
    """A living observer owns the run."""
    observer = lease.register()
    Run.objects.filter(id=run.id).update(observer_id=observer, lease_epoch=1)
    return observer


def age_the_beat(observer: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE runs_observer SET beat_at = clock_timestamp() - interval '1 hour' WHERE id = %s", [observer]
        )


def status(message: OutboundMessage) -> tuple[str, str | None]:
    message.refresh_from_db()
    return message.status, message.error_code


@pytest.fixture
def patience(settings: Settings) -> None:
    """Whoever had a message stored has waited for thirty seconds."""
    settings.RUNTIME_REQUEST_TIMEOUT_MS = 30_000


@pytest.mark.parametrize("owner", ["nobody", "lost", "silent"])
def test_a_message_that_nobody_took_has_failed_once_its_caller_is_gone(patience: None, owner: str) -> None:
    run = running_run()
    if owner != "nobody":
        observer = owned_by_somebody(run)
        age_the_beat(observer)
        if owner == "lost":
            lease.declare_losses()
    old, young = unclaimed(run), unclaimed(run, age_s=20)

    assert fail_unclaimed() == 1

    assert (status(old), status(young)) == (("failed", "no_owner"), ("queued", None))
    assert old.sent_at is None
    event = Event.objects.get(run_id=run.id, type="message.send_failed")
    assert (event.source_name, orjson.loads(event.data)["errorCode"]) == ("sweeper", "no_owner")
    assert fail_unclaimed() == 0
    assert_invariants()


@pytest.mark.handmade_rows("claims and fates that no event tells of")
def test_what_an_owner_has_claimed_or_may_still_claim_is_not_the_sweeps(patience: None) -> None:
    owned_run, orphan = running_run(), running_run()
    owned_by_somebody(owned_run)
    messages = [
        unclaimed(owned_run),
        unclaimed(orphan, claimed_epoch=1),
        unclaimed(orphan, status="sent"),
        kickoff_message(orphan),
    ]
    OutboundMessage.objects.filter(id=messages[3].id).update(created_at="2001-01-01T00:00:00Z")

    # Nor should it stand in the way of what is.
    newer = unclaimed(orphan, age_s=40)
    assert fail_unclaimed(limit=1) == 1
    assert status(newer) == ("failed", "no_owner")
    assert fail_unclaimed() == 0
    assert {status(message)[0] for message in messages} == {"queued", "sent"}
    assert types_of(orphan.id).count("message.send_failed") == 1


def test_an_owner_that_appears_while_the_sweep_waits_keeps_the_message(patience: None) -> None:
    run = running_run()
    message = unclaimed(run)
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            Run.objects.lock(run.id, epoch=None)
            sweeping = threads.submit(at_once, fail_unclaimed)
            wait_for(waiting_for_locks, "the sweep at the lock")
            owned_by_somebody(run)
        assert sweeping.result() == [0]

    assert status(message) == ("queued", None)


def test_two_sweeps_at_once_fail_each_message_once(patience: None) -> None:
    runs = [running_run() for _ in range(10)]
    for run in runs:
        unclaimed(run)
        unclaimed(run)

    first, second = at_once(fail_unclaimed, fail_unclaimed)

    assert int(str(first)) + int(str(second)) == 20
    assert [types_of(run.id).count("message.send_failed") for run in runs] == [2] * 10
    assert_invariants()
