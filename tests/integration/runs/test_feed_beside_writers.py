"""The feed across runs while others write, each on a connection of its own: it skips nothing and repeats nothing (E08).

Commits come in another order than the times of their events. Where it matters the order is played out, not left to luck.
"""

import random
import threading
import time
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from django.db import connection, transaction

from runs.api.requests import read_execution_request
from runs.audit import Actor
from runs.domain.documents import EventRow
from runs.models import Event, Run
from runs.models.project import DEFAULT_PROJECT_ID
from runs.operations.launch import launch_run
from runs.queries import EventFilter, FeedFilter, Position, feed_page, position_of, settled_before
from tests.bodies import short_body
from tests.cast import queued_run
from tests.integration.runs.conftest import append
from tests.meanwhile import PATIENCE_SECONDS, elsewhere, held

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS = 6
ROUNDS = 25


class Reader:
    """Whoever pages through the feed, and what it has seen."""

    def __init__(self, limit: int = 500) -> None:
        self.seen: list[EventRow] = []
        self._limit = limit
        self._after: Position | None = None

    def read(self) -> list[EventRow]:
        """The next page."""
        wanted = FeedFilter(events=EventFilter())
        before = settled_before()
        rows = feed_page(DEFAULT_PROJECT_ID, wanted, after=self._after, before=before, limit=self._limit)
        if rows:
            self._after = position_of(rows)
        self.seen += rows
        return rows

    def read_all(self) -> None:
        """Pages are read until everything that is stored was seen, or ought to have been."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.seen) < Event.objects.count() and time.monotonic() < deadline:
            self.read()

    def has_seen_everything_once(self) -> bool:
        stored = list(Event.objects.order_by("ts", "run_id", "seq").values_list("ts", "run_id", "seq"))
        return [(row.ts, row.run_id, row.seq) for row in self.seen] == stored


def newest_of(run: Run) -> datetime:
    return Event.objects.filter(run_id=run.id).order_by("-seq").values_list("ts", flat=True)[0]


def is_settled(moment: datetime) -> bool:
    return moment < settled_before()


def wait_until_settled(moment: datetime) -> None:
    """Nobody may write anything before this moment; where nobody writes at all it takes a millisecond."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_settled(moment):
        assert time.monotonic() < deadline, "what was committed long ago is not shown"


def test_an_event_that_is_committed_after_a_later_one_is_not_skipped_e08() -> None:
    slow, quick = queued_run(), queued_run()
    reader = Reader()
    reader.read_all()
    with held(lambda: append(slow)) as writing:
        append(quick)
        assert reader.read() == [], "the later event should wait for the earlier one"
        writing.commit()
    reader.read_all()

    assert newest_of(slow) < newest_of(quick), "the scene should be as it says"
    assert reader.has_seen_everything_once()


def test_what_is_dated_before_a_writer_began_is_shown_while_it_writes() -> None:
    run, slow = queued_run(), queued_run()
    wait_until_settled(newest_of(slow))
    with held(lambda: append(slow)):
        reader = Reader()
        assert {row.run_id for row in reader.read()} == {run.id, slow.id}


def test_a_writer_that_has_read_the_clock_and_written_nothing_yet_is_waited_for_e08() -> None:
    run = queued_run()
    locked: list[datetime] = []
    with held(lambda: locked.append(Run.objects.lock(run.id, epoch=None).locked_at)):
        assert settled_before() <= locked[0]
    wait_until_settled(locked[0])


def test_the_times_of_events_are_rounded_down_and_so_is_what_they_are_compared_with_e08() -> None:
    # An event of this millisecond is dated at its beginning, however late in it another one was seen.
    assert {settled_before().microsecond % 1000 for _ in range(20)} == {0}


def test_the_first_event_of_a_run_is_waited_for_e08() -> None:
    quick = queued_run()
    reader = Reader()
    reader.read_all()
    with held(launch) as launching:
        append(quick)
        assert reader.read() == []
        launching.commit()
    reader.read_all()
    assert reader.has_seen_everything_once()


def test_a_writer_of_another_role_is_waited_for_though_nobody_says_when_it_began_e08() -> None:
    run = queued_run()
    role = f"somebody_{run.id.hex}"
    locked: list[datetime] = []
    with (
        held(lambda: locked.append(Run.objects.lock(run.id, epoch=None).locked_at)),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"CREATE ROLE {role}")
        cursor.execute(f"SET LOCAL ROLE {role}")
        assert settled_before() <= locked[0] - timedelta(seconds=55)
        cursor.execute("RESET ROLE")
        cursor.execute(f"DROP ROLE {role}")


def test_who_only_reads_runs_or_writes_something_else_is_not_waited_for() -> None:
    run = queued_run()

    def something_else() -> None:
        list(Run.objects.all())
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE mine AS SELECT 1 AS number")

    with held(something_else):
        append(run)
        wait_until_settled(newest_of(run))


def test_pages_beside_many_writers_have_every_event_once_and_in_order_e08() -> None:
    runs = [queued_run() for _ in range(WRITERS * 2)]
    reader = Reader(limit=7)
    with elsewhere() as start:
        writers = [start(lambda number=number: write(runs, seed=number)) for number in range(WRITERS)]  # type: ignore[misc]
        while not all(writer.done() for writer in writers):
            reader.read()
        for writer in writers:
            writer.result()
    reader.read_all()

    assert len(reader.seen) == len(runs) + WRITERS * ROUNDS
    assert all(earlier < later for earlier, later in pairwise([(one.ts, one.run_id, one.seq) for one in reader.seen]))
    assert reader.has_seen_everything_once()


def write(runs: list[Run], *, seed: int) -> None:
    """Events of one run after the other; what was written stays open for some milliseconds, longer than others take."""
    chance, pause = random.Random(seed), threading.Event()
    mine = runs[seed * 2 : seed * 2 + 2]
    for _ in range(ROUNDS):
        with transaction.atomic():
            append(chance.choice(mine))
            pause.wait(chance.choice([0, 0, 0.002, 0.02]))


def launch() -> UUID:
    return launch_run(
        project_id=DEFAULT_PROJECT_ID,
        request=read_execution_request(short_body()),
        idempotency_key=None,
        traceparent=None,
        actor=Actor("tester"),
        request_id=None,
    ).run_id
