"""What processes count is added up, each figure once, whatever becomes of the database in between (E23)."""

import os
import threading
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

import pytest
from django.db import OperationalError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs.metrics import RUN_SECONDS, RUN_TRANSITIONS, SSE_CONNECTIONS, kinds
from runs.metrics.tally import Held, Tally, Worst
from runs.models import Metric, MetricSource
from runs.models.identity import uuid7
from runs.models.metric import MetricQuerySet
from runs.models.metric_source import KEPT_SECONDS, LIVING_SECONDS
from runs.reporter import Reporter
from tests.figures import begin_anew
from tests.lock_waits import waiting_for_locks
from tests.processes import wait_until
from tests.sweeping import swept

pytestmark = pytest.mark.django_db

NAME = RUN_TRANSITIONS.name


@pytest.fixture(autouse=True)
def counted_elsewhere() -> None:
    """What other tests counted in this process is none of this one's business."""
    begin_anew()


def add(tally: Tally, status: str, times: int = 1) -> None:
    tally.add(((NAME, (status,)), float(times)))


def sums() -> dict[str, float]:
    return dict(Metric.objects.filter(name=NAME).values_list("labels", "value"))


def report_in_a_thread(reporter: Reporter) -> None:
    """As a process does it at its end."""
    reporter.start()
    reporter.stop()


# -- sums


def test_two_processes_add_up() -> None:
    one, other = Tally(), Tally()
    reporters = [Reporter(one), Reporter(other)]
    add(one, "queued", 2)
    add(other, "queued", 3)
    add(other, "failed")
    for reporter in reporters:
        reporter.report()
        reporter.report()
    assert sums() == {'{"status":"queued"}': 5.0, '{"status":"failed"}': 1.0}


def test_a_histogram_is_a_count_in_its_bucket_and_a_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    tally = Tally()
    monkeypatch.setattr(kinds, "TALLY", tally)
    for seconds in (0.1, 0.3, 700.0):
        RUN_SECONDS.observe(seconds, "failed", "other")
    Reporter(tally).report()
    rows = {(row.name.removeprefix("macp_run_duration_seconds"), row.labels): row.value for row in Metric.objects.all()}
    labels = '{%s"mode_name":"other","terminal_status":"failed"}'
    assert rows == {
        ("_bucket", labels % '"le":"0.1",'): 1.0,  # the bound belongs to its bucket
        ("_bucket", labels % '"le":"0.5",'): 1.0,
        ("_bucket", labels % '"le":"+Inf",'): 1.0,
        ("_sum", labels % ""): 700.4,
    }


def test_counting_touches_no_rows_and_nothing_to_tell_costs_no_statement(
    django_assert_num_queries: object,
) -> None:
    tally = Tally()
    reporter = Reporter(tally)
    with django_assert_num_queries(0):  # type: ignore[operator]
        RUN_TRANSITIONS.add("queued")
        RUN_SECONDS.observe(1.0, "failed", "other")
        reporter.report()
    assert not MetricSource.objects.exists()


# -- each figure once


class Fate(StrEnum):
    """What becomes of one attempt to report."""

    ARRIVES = "it arrives"
    AWAY = "the database is away"
    LOST_BEFORE = "the connection is lost before the commit"
    LOST_AFTER = "the connection is lost after the commit, before its answer"


class Failing(MetricQuerySet):
    """Adds as the real one does, and then lets the transaction meet its fate."""

    fate = Fate.ARRIVES

    def add_all(self, counted: Sequence[tuple[str, str, float]]) -> None:
        if self.fate is Fate.AWAY:
            raise OperationalError("the database is away")
        super().add_all(counted)
        if self.fate is Fate.LOST_BEFORE:
            raise OperationalError("the connection is lost")
        if self.fate is Fate.LOST_AFTER:
            transaction.on_commit(_lost)


def _lost() -> None:
    raise OperationalError("the connection is lost")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> type[Failing]:
    """Reports meet the fate that the class names."""
    monkeypatch.setattr(Failing, "fate", Fate.ARRIVES)
    monkeypatch.setattr(Metric, "objects", Failing(Metric))
    return Failing


@pytest.mark.django_db(transaction=True)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(Fate)), max_size=8))
def test_nothing_is_lost_and_nothing_counted_twice_whatever_the_outcomes(
    steps: list[tuple[int, Fate]], failing: type[Failing]
) -> None:
    Metric.objects.all().delete()
    tally, counted = Tally(), Counter[str]()
    reporter = Reporter(tally)
    for times, fate in steps:
        if times:
            add(tally, "queued", times)
            counted["queued"] += times
        failing.fate = fate
        try:
            reporter.report()
        except OperationalError:
            assert fate is not Fate.ARRIVES
    failing.fate = Fate.ARRIVES
    reporter.report()
    assert sum(sums().values()) == counted.total()


@pytest.mark.django_db(transaction=True)
def test_a_repeat_waits_for_the_attempt_that_may_still_commit_and_then_adds_nothing() -> None:
    source, came_through = uuid7(), []
    report = {"process": "web", "host": "here", "process_id": 1, "gauges": "{}"}
    assert MetricSource.objects.take_report(source, 1, **report)

    def repeat() -> None:
        try:
            came_through.append(MetricSource.objects.take_report(source, 2, **report))
        finally:
            connection.close()

    with transaction.atomic():
        assert MetricSource.objects.take_report(source, 2, **report)
        second = threading.Thread(target=repeat)
        second.start()
        wait_until(waiting_for_locks, within_s=10, what="the wait of the repeat")
        assert came_through == []
    second.join(10)
    assert came_through == [False]
    assert MetricSource.objects.take_report(source, 3, **report)


@pytest.mark.django_db(transaction=True)
def test_a_process_that_was_forgotten_meanwhile_is_counted_again() -> None:
    tally = Tally()
    reporter = Reporter(tally)
    for _ in range(2):
        add(tally, "queued")
        reporter.report()
        MetricSource.objects.all().delete()
    assert sums() == {'{"status":"queued"}': 2.0}


# -- gauges


def living() -> int:
    return len(MetricSource.objects.living_gauges())


@pytest.mark.django_db(transaction=True)
def test_gauges_of_a_process_are_gone_with_it_at_once_if_it_ends_politely_and_soon_if_it_dies() -> None:
    polite, killed = Reporter(Tally()), Reporter(Tally())
    with SSE_CONNECTIONS.one_more():
        polite.report()
        killed.report()
        assert living() == 2
        report_in_a_thread(polite)
    assert MetricSource.objects.get(id=polite._id).gauges == "{}"
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE runs_metricsource SET reported_at = clock_timestamp() - make_interval(secs => %s)", [LIVING_SECONDS]
        )
    assert living() == 0


class Owner:
    """Something that may be at a level."""


def test_held_counts_what_there_is_and_worst_forgets_what_is_gone() -> None:
    held, worst, one, other = Held(), Worst(), Owner(), Owner()
    with held.one_more(), held.one_more():
        assert held.value() == 2.0
    assert held.value() == 0.0
    worst.put(one, 1.0)
    worst.put(other, 2.0)
    assert worst.value() == 2.0
    del other
    assert worst.value() == 1.0


# -- processes


def test_a_forked_child_begins_with_nothing_and_is_a_source_of_its_own() -> None:
    tally = Tally()
    reporter = Reporter(tally)
    parent = reporter._id
    add(tally, "queued")
    child = os.fork()
    if not child:
        os._exit(int(bool(tally.take()) or reporter._id == parent))
    assert os.waitpid(child, 0)[1] == 0
    assert sum(tally.take().values()) == 1.0


@pytest.mark.django_db(transaction=True)
def test_a_process_hands_over_what_it_counted_at_its_end() -> None:
    tally = Tally()
    add(tally, "queued")
    report_in_a_thread(Reporter(tally))
    assert sums() == {'{"status":"queued"}': 1.0}


@pytest.mark.django_db(transaction=True)
def test_the_sweep_forgets_processes_that_were_last_heard_of_long_ago() -> None:
    tallies = [Tally(), Tally()]
    for tally in tallies:
        add(tally, "queued")
    old, new = (Reporter(tally) for tally in tallies)
    old.report()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE runs_metricsource SET reported_at = clock_timestamp() - make_interval(secs => %s)",
            [KEPT_SECONDS + 1],
        )
    new.report()
    assert swept() == {"metric sources pruned": 1}
    assert [source.id for source in MetricSource.objects.all()] == [new._id]
    assert sums() == {'{"status":"queued"}': 2.0}
