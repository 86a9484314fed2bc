"""Many writers on few runs: no gap, no second ending, no write by a former owner (P1, P2; C03, B02)."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.db import connection, transaction

from runs.domain.endings import EndingCode, Verdict
from runs.ending import end_run
from runs.errors import Fenced, RunEnded
from runs.models import Event, Run
from runs.recorder import record, writing
from tests.cast import envelope, running_run
from tests.invariants import assert_invariants

WRITERS = 12
RUNS = 8
ROUNDS = 40


class RolledBack(Exception):
    """Raised just before a commit."""


class Writer:
    """One of many that write to the same runs: repeats, take-overs, roll-backs, and at the end a race for the ending."""

    def __init__(self, number: int, runs: list[UUID], start: threading.Barrier) -> None:
        self._random = random.Random(number)
        self._number = number
        self._runs = runs
        self._start = start
        self._epochs: dict[UUID, int] = {}
        self.stale_writes: list[str] = []
        self.endings = 0

    def run(self) -> "Writer":
        try:
            self._start.wait(30)
            for turn in range(ROUNDS):
                self._turn(turn)
            for run_id in self._runs:
                self._attempt(lambda run_id=run_id: self._end(run_id))
        finally:
            connection.close()
        return self

    def _turn(self, turn: int) -> None:
        run_id = self._random.choice(self._runs)
        if self._random.random() < 0.15:
            self._take_over(run_id)
        shared = [
            envelope(self._random.randrange(200), sender="x", text="same") for _ in range(self._random.randrange(1, 6))
        ]
        own = [envelope(f"{self._number}-{turn}", sender=f"p{self._number}")]
        if self._random.random() < 0.05:
            self._attempt(lambda: self._roll_back(run_id, shared + own))
        else:
            self._attempt(lambda: record(run_id, shared + own, epoch=self._epochs.get(run_id)))

    def _take_over(self, run_id: UUID) -> None:
        with connection.cursor() as cursor:
            # As the claim does it: nobody takes a run that has ended.
            cursor.execute(
                "UPDATE runs_run SET lease_epoch = lease_epoch + 1 WHERE id = %s AND ending_seq IS NULL"
                " RETURNING lease_epoch",
                [run_id],
            )
            for (epoch,) in cursor.fetchall():
                self._epochs[run_id] = epoch

    def _roll_back(self, run_id: UUID, batch: list) -> None:  # type: ignore[type-arg]
        with transaction.atomic(), writing(run_id, epoch=None) as writer:
            writer.append(batch)
            writer.flush()
            raise RolledBack

    def _end(self, run_id: UUID) -> None:
        end_run(run_id, Verdict(code=EndingCode.RESOLVED), epoch=None)
        self.endings += 1

    def _attempt(self, write: Callable[[], object]) -> None:
        try:
            write()
        except (Fenced, RunEnded, RolledBack):
            return


@pytest.mark.django_db(transaction=True)
def test_twelve_writers_on_eight_runs_leave_no_gap_and_one_ending_each_b05() -> None:
    runs = [running_run().id for _ in range(RUNS)]
    start = threading.Barrier(WRITERS)
    with ThreadPoolExecutor(WRITERS) as pool:
        writers = list(pool.map(Writer.run, [Writer(n, runs, start) for n in range(WRITERS)]))

    assert sum(writer.endings for writer in writers) == RUNS
    assert Run.objects.filter(id__in=runs, status="completed").count() == RUNS
    assert Event.objects.filter(run_id__in=runs).count() > RUNS * 20
    assert_invariants()
