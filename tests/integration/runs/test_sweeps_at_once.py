"""Two processes sweep 1 000 expired runs at once: 1 000 endings, no deadlock, in seconds (L10)."""

from collections import Counter

import orjson
import pytest
from django.db import connection

from runs.models import Event, Run
from tests.beside import beside
from tests.crowd import crowd_of
from tests.integration.runs.test_observe_run import launch
from tests.invariants import assert_invariants
from tests.sweeping import make_due
from tests.underway import running

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

RUNS = 1_000
SECONDS = 10.0  # wanted of a machine of one's own; a busy one gets more room
ROOM = 6
PATIENCE_SECONDS = 120


@pytest.mark.parametrize(
    ("kind", "environment", "asked"),
    [
        ("scripted", {}, "SESSION_STATE_OPEN"),
        # Nobody listens there: after the first few questions the breaker is open.
        ("macp", {"RUNTIME_ADDRESS": "127.0.0.1:1"}, "no_answer"),
    ],
)
def test_two_sweeps_at_once_end_a_thousand_runs_once_l10(kind: str, environment: dict[str, str], asked: str) -> None:
    run = running(runtime={"kind": kind})
    crowd_of(run, RUNS - 1)
    make_due()
    sweeps = [beside("sweep", "--once", "--json", environment=environment) for _ in range(2)]
    try:
        assert [sweep.wait(within_s=PATIENCE_SECONDS) for sweep in sweeps] == [0, 0]
    finally:
        for sweep in sweeps:
            sweep.end()

    done = [Counter(next(orjson.loads(line) for line in sweep.lines if line.startswith("{"))) for sweep in sweeps]
    assert sum(one["runs ended"] for one in done) == RUNS
    # It should be the work of both, and no row should be anybody's failure.
    assert all(one["runs ended"] for one in done)
    assert sum(one["failed"] for one in done) == 0
    assert not any("deadlock" in line for sweep in sweeps for line in sweep.lines)
    assert Event.objects.filter(type="run.failed").values("run_id").distinct().count() == RUNS
    assert not Run.objects.filter(ending_seq=None).exists()
    assert all(f'"runtimeAsked":"{asked}"' in (text or "") for text in Run.objects.values_list("ending", flat=True))
    first, last = ending_times()
    assert last - first < SECONDS * ROOM
    assert_invariants()


def ending_times() -> tuple[float, float]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM min(ended_at)), extract(epoch FROM max(ended_at)) FROM runs_run")
        first, last = cursor.fetchone()
        return float(first), float(last)


def test_what_is_not_due_is_left_alone() -> None:
    run_id = launch()
    sweep = beside("sweep", "--once")
    assert sweep.wait(within_s=PATIENCE_SECONDS) == 0
    assert "nothing was due" in sweep.lines
    assert Run.objects.get(id=run_id).status == "queued"
