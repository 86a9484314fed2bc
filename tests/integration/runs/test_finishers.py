"""Many finishers at once: whoever comes first ends the run, all others lose and write nothing (L03)."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from runs.domain.endings import DecidedBy, EndingCode, Verdict, verdict_of
from runs.domain.events import SessionState
from runs.ending import end_run
from runs.errors import RunEnded
from runs.models import Event, LateObservation, OutboxEntry, RawObservation, Run
from tests.cast import fresh, running_run, session_now
from tests.invariants import assert_invariants
from tests.steered import cancel, certificate

pytestmark = pytest.mark.django_db(transaction=True)

EACH = 5
ROUNDS = 6

Finish = Callable[[Run], object]


def resolve(run: Run) -> object:
    verdict = verdict_of(SessionState.RESOLVED)
    assert verdict is not None
    return end_run(run.id, verdict, epoch=run.lease_epoch, batch=[session_now(SessionState.RESOLVED)])


def time_out(run: Run) -> object:
    return end_run(run.id, Verdict(code=EndingCode.PROGRESS_TIMEOUT, message="nothing was said"), epoch=run.lease_epoch)


def sweep(run: Run) -> object:
    verdict = Verdict(code=EndingCode.RUN_TIMEOUT, decided_by=DecidedBy.SWEEPER, message="too long")
    return end_run(run.id, verdict, epoch=None)


def cancel_it(run: Run) -> object:
    return cancel(run.id, unowned_s=0)


FINISHERS: tuple[Finish, ...] = (resolve, time_out, sweep, cancel_it)


def finish(run: Run, how: Finish, start: threading.Barrier) -> str:
    """How one finisher fared: it won (`resolve`), lost (`lost`), or found the run cancelled as it wanted (`cancelled`)."""
    try:
        start.wait(30)
        how(run)
    except RunEnded:
        return "lost"
    finally:
        connection.close()
    return "cancelled" if how is cancel_it else how.__name__


def test_twenty_finishers_at_once_write_one_ending_and_the_losers_nothing_l03() -> None:
    for _ in range(ROUNDS):
        run = running_run()
        before = OutboxEntry.objects.filter(run_id=run.id).count()
        events = Event.objects.filter(run_id=run.id).count()
        many = [how for how in FINISHERS for _ in range(EACH)]
        start = threading.Barrier(len(many))
        with ThreadPoolExecutor(len(many)) as pool:
            fared = Counter(pool.map(lambda how, run=run, start=start: finish(run, how, start), many))  # type: ignore[misc]

        ending = certificate(run.id)
        written = Event.objects.filter(run_id=run.id, seq__gt=events)
        # It should be one transaction of one finisher, with what that one alone had to say.
        assert OutboxEntry.objects.filter(run_id=run.id).count() == before + 1
        resolved = ending["code"] == "resolved"
        assert written.count() == RawObservation.objects.filter(run_id=run.id).count() + 1 == (2 if resolved else 1)
        assert not LateObservation.objects.exists()
        # It should be known to everybody whether they lost; who wanted it cancelled has not lost where it is cancelled.
        wrote = [how.__name__ for how in (resolve, time_out, sweep) if fared[how.__name__]]
        is_cancelled = fresh(run).status == "cancelled"
        assert sum(fared[name] for name in wrote) == len(wrote) <= 1
        assert wrote or is_cancelled
        assert fared["cancelled"] == (EACH if is_cancelled else 0)
        assert fared["lost"] == len(many) - len(wrote) - fared["cancelled"]
        assert_invariants()
