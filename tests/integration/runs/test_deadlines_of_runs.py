"""The three clocks as the rows of a run: who sets them, what moves them, and that nothing else does."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from runs.domain import deadlines
from runs.domain.events import Observation, ObservationKind, SessionSnapshot, SessionState, StreamStatus
from runs.models import Run
from runs.observer import launch_steps, lease
from runs.observer.owned import load_owned
from runs.recorder import record
from tests.cast import ack, envelope, fresh, session_now
from tests.invariants import assert_invariants
from tests.underway import bound, launched, running, starting, taken

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stage")]

SECOND = timedelta(seconds=1)
ROOM = timedelta(seconds=20)  # for the time between two statements of a test on a busy machine


def clock() -> datetime:
    """The database's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now


def clocks_of(run: Run) -> tuple[object, ...]:
    found = fresh(run)
    return (
        *(found.admission_deadline, found.progress_deadline, found.hard_deadline),
        *(found.suspended_at, found.hard_deadline_awake),
    )


def asked(**timeouts: int) -> dict[str, object]:
    return {"execution": {"timeouts": timeouts}}


# -- admission


def test_a_request_may_name_its_own_admission_and_progress() -> None:
    run = launched(**asked(admissionMs=7_000, progressMs=3_000))
    assert run.admission_deadline - run.created_at == 7 * SECOND
    assert (run.admission_timeout_ms, run.progress_timeout_ms) == (7_000, 3_000)


def test_what_a_request_does_not_name_is_the_settings_word(settings: Settings) -> None:
    settings.RUN_ADMISSION_TIMEOUT_MS, settings.RUN_PROGRESS_TIMEOUT_MS = 11_000, 13_000
    run = launched()
    assert run.admission_deadline - run.created_at == 11 * SECOND
    assert (run.admission_timeout_ms, run.progress_timeout_ms) == (None, 13_000)


def test_a_request_may_switch_off_the_progress_clock_that_the_settings_have(settings: Settings) -> None:
    settings.RUN_PROGRESS_TIMEOUT_MS = 13_000
    run = running(**asked(progressMs=0))
    assert (run.progress_timeout_ms, run.progress_deadline) == (0, None)


def test_the_first_owner_gives_a_run_its_time_to_be_launched(settings: Settings) -> None:
    settings.SESSION_POLL_TIMEOUT_MS = 600_000
    run, before = launched(), clock()
    taken(run)
    deadline = fresh(run).admission_deadline
    assert before + 600 * SECOND <= deadline <= clock() + 600 * SECOND


def test_a_later_owner_gives_it_no_more_i20(settings: Settings) -> None:
    run, first = launched(), lease.register()
    taken(run, first)
    deadline = fresh(run).admission_deadline
    lease.hand_back(first)
    settings.SESSION_POLL_TIMEOUT_MS = 600_000
    taken(run)
    assert (fresh(run).lease_epoch, fresh(run).admission_deadline) == (2, deadline)


def test_an_admission_that_the_request_named_is_not_touched_by_any_owner() -> None:
    run = launched(**asked(admissionMs=7_000))
    taken(run)
    assert fresh(run).admission_deadline == run.admission_deadline


def test_a_run_past_its_admission_deadline_is_nobodys_to_launch_l08() -> None:
    run, late = launched(), launched(**asked(admissionMs=7_000))
    Run.objects.update(admission_deadline=clock() - SECOND)
    observer = lease.register()
    assert lease.claim(observer, 10) == []
    assert {fresh(run).observer_id, fresh(late).observer_id} == {None}


# -- the binding


def test_the_hard_deadline_is_what_the_runtime_grants_from_the_binding_on(settings: Settings) -> None:
    settings.RUN_HARD_GRACE_MS = 4_000
    before = clock()
    run = bound(ttl_ms=500_000)
    assert run.admission_deadline is None
    assert before + 504 * SECOND - SECOND < run.hard_deadline <= clock() + 504 * SECOND


def test_the_requests_ttl_counts_only_where_the_runtime_does_not_say(settings: Settings) -> None:
    settings.RUN_HARD_GRACE_MS = 0
    before = clock()
    run = bound(session={"ttlMs": 70_000})
    assert before + 70 * SECOND - SECOND < run.hard_deadline <= clock() + 70 * SECOND


@pytest.mark.parametrize(
    ("started", "expires", "seconds"),
    [
        (1_000, 41_000, 40),
        (0, 40_000, 60),  # not told when it started
        (41_000, 1_000, 60),  # no time to live
        (1_000, 1_000 + launch_steps.LONGEST_TTL_MS + 1, 60),  # none that could be meant
    ],
)
def test_a_session_that_an_agent_opened_lives_as_its_runtime_says(
    started: int, expires: int, seconds: int, settings: Settings
) -> None:
    settings.RUN_HARD_GRACE_MS = 0
    run = starting(opener="agent")
    owned = load_owned(run.id, run.lease_epoch)
    body = SessionSnapshot(
        session_id="s", state=SessionState.OPEN, started_at_unix_ms=started, expires_at_unix_ms=expires
    )
    before = clock()
    launch_steps.bind(owned, kickoff=(), snapshot=Observation(kind=ObservationKind.SNAPSHOT, body=body))
    assert before + seconds * SECOND - SECOND < fresh(run).hard_deadline <= clock() + seconds * SECOND


def test_progress_begins_with_the_binding() -> None:
    run = starting(**asked(progressMs=5_000))
    assert run.progress_deadline is None
    before = clock()
    run = bound(**asked(progressMs=5_000))
    assert before + 5 * SECOND - SECOND < run.progress_deadline <= clock() + 5 * SECOND


# -- progress


@pytest.mark.parametrize(
    "said",
    [
        Observation(kind=ObservationKind.STREAM_STATUS, body=StreamStatus(status="opened")),
        Observation(kind=ObservationKind.STREAM_STATUS, body=StreamStatus(status="reconnecting")),
        session_now(SessionState.OPEN, count=3),
        ack("m-1"),
    ],
    ids=lambda one: str(one.kind),
)
def test_nothing_but_the_session_itself_moves_the_progress_clock(said: Observation) -> None:
    run = running(**asked(progressMs=60_000))
    Run.objects.update(progress_deadline=clock())
    before = clocks_of(run)
    record(run.id, [said], epoch=None)
    assert clocks_of(run) == before


def test_no_beat_moves_any_clock_l07() -> None:
    observer = lease.register()
    run = launched(**asked(progressMs=60_000))
    taken(run, observer)
    before = clocks_of(run)
    assert lease.beat(observer)
    assert clocks_of(run) == before


def test_what_the_session_says_moves_progress_alone() -> None:
    run = running(**asked(progressMs=60_000))
    Run.objects.update(progress_deadline=clock())
    admission, _, *others = clocks_of(run)
    before = clock()
    record(run.id, [envelope(1)], epoch=None)
    after = clocks_of(run)
    assert before + 60 * SECOND - SECOND < after[1] <= clock() + 60 * SECOND  # type: ignore[operator]
    assert (after[0], *after[2:]) == (admission, *others)


def test_a_busy_session_does_not_write_its_deadline_at_every_batch() -> None:
    run = running(**asked(progressMs=60_000))
    deadline = clock() + 60 * SECOND + timedelta(milliseconds=400)
    Run.objects.update(progress_deadline=deadline)
    record(run.id, [envelope(1)], epoch=None)
    assert fresh(run).progress_deadline == deadline


def test_a_message_that_is_known_already_is_no_progress() -> None:
    run = running(**asked(progressMs=60_000))
    record(run.id, [envelope(1)], epoch=None)
    past = clock()
    Run.objects.update(progress_deadline=past)
    record(run.id, [envelope(1)], epoch=None)
    assert fresh(run).progress_deadline == past


# -- suspension


def suspended(run: Run) -> Run:
    record(run.id, [session_now(SessionState.SUSPENDED)], epoch=None)
    return fresh(run)


def test_a_suspended_session_has_as_long_as_it_may_be_suspended(settings: Settings) -> None:
    run = running(**asked(progressMs=60_000))
    awake = run.hard_deadline
    run = suspended(run)
    assert run.status == "suspended"
    assert run.hard_deadline == run.suspended_at + deadlines.MAX_SUSPENSION + timedelta(
        milliseconds=settings.RUN_HARD_GRACE_MS
    )
    assert run.hard_deadline_awake == awake
    assert_invariants()


def test_resuming_gives_both_clocks_back_what_the_suspension_took() -> None:
    run = running(**asked(progressMs=60_000))
    hard, progress = run.hard_deadline, run.progress_deadline
    run = suspended(run)
    Run.objects.update(suspended_at=run.suspended_at - 1_000 * SECOND)
    record(run.id, [session_now(SessionState.OPEN)], epoch=None)
    run = fresh(run)
    assert (run.status, run.suspended_at, run.hard_deadline_awake) == ("running", None, None)
    assert 1_000 * SECOND <= run.hard_deadline - hard < 1_000 * SECOND + ROOM
    assert run.progress_deadline - progress == run.hard_deadline - hard
    assert_invariants()


def test_progress_stands_still_while_the_session_is_suspended_a13() -> None:
    run = suspended(running(**asked(progressMs=60_000)))
    before = clocks_of(run)
    record(run.id, [envelope(1)], epoch=None)
    assert clocks_of(run) == before


def test_what_was_said_just_before_a_suspension_counts_although_both_are_recorded_together() -> None:
    run = running(**asked(progressMs=60_000))
    Run.objects.update(progress_deadline=clock())
    record(run.id, [envelope(1), session_now(SessionState.SUSPENDED)], epoch=None)
    run = fresh(run)
    assert run.status == "suspended"
    assert run.progress_deadline - run.suspended_at == 60 * SECOND


# -- take-over


@pytest.mark.parametrize("is_suspended", [False, True])
def test_no_take_over_moves_a_deadline_of_a_bound_run_i20(is_suspended: bool) -> None:
    run = running(**asked(progressMs=60_000))
    if is_suspended:
        run = suspended(run)
    before = clocks_of(run)
    for _ in range(3):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE runs_observer SET lost_at = clock_timestamp()")
        taken(run)
    assert fresh(run).lease_epoch == run.lease_epoch + 3
    assert clocks_of(run) == before
