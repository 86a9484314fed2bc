"""What a dashboard asks of many runs is answered by an index: no row of a run is read to be counted (E10).

How long it takes with 100 000 runs is for `make bench-dashboard` to say.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from insights.agents import agent_metrics
from insights.counting import database_now
from insights.failed import failed_lately
from insights.overview import overview
from insights.window import Window
from runs.models.project import DEFAULT_PROJECT_ID
from tests.cast import running_run
from tests.crowd import crowd_of
from tests.processes import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.handmade_rows("a crowd that only planners look at")]


def plans_of(read: Callable[[], object], *, naming: str = "picked") -> list[str]:
    """The plans of the statements that count, or of those with `naming` in them."""
    with CaptureQueriesContext(connection) as captured:
        read()
    counting = [query["sql"] for query in captured.captured_queries if naming in query["sql"]]
    with transaction.atomic(), connection.cursor() as cursor:
        # Of a few thousand rows reading them all may be the better plan; a plan without it must exist.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        plans = []
        for statement in counting:
            cursor.execute("EXPLAIN " + statement.replace("%", "%%"))
            plans.append("\n".join(line for (line,) in cursor.fetchall()))
    return plans


def runs_are_vacuumed() -> bool:
    """True once every page is marked as visible to all. What was committed a moment ago, and has not yet been written to
    the log on disk, cannot be marked: the next vacuum does it."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE, INDEX_CLEANUP ON) runs_run, runs_projection")
        cursor.execute("SELECT relallvisible = relpages FROM pg_class WHERE relname = 'runs_run'")
        return cursor.fetchone() == (True,)


@pytest.mark.parametrize("read", [overview, agent_metrics])
def test_runs_are_counted_out_of_the_index_of_the_newest(read: Callable[..., object]) -> None:
    crowd_of(running_run(), 2000)
    wait_until(runs_are_vacuumed, within_s=30, what="a vacuum that marks every page")
    now = database_now()
    window = Window(start=now - timedelta(days=1), end=now)
    plans = plans_of(lambda: read(DEFAULT_PROJECT_ID, window))

    assert len(plans) == {overview: 5, agent_metrics: 1}[read]
    for plan in plans:
        assert "Index Only Scan using runs_newest_first" in plan
        assert "Scan on runs_run" not in plan.replace("Only Scan using runs_newest_first on runs_run", "")


def test_those_that_failed_lately_are_found_in_the_index_of_the_newest() -> None:
    crowd_of(running_run(), 2000)
    wait_until(runs_are_vacuumed, within_s=30, what="a vacuum that marks every page")
    now = database_now()
    (plan,) = plans_of(lambda: failed_lately(DEFAULT_PROJECT_ID, now), naming="'failed'")

    assert "Index Only Scan using runs_newest_first" in plan
    assert "Scan on runs_run" not in plan.replace("Only Scan using runs_newest_first on runs_run", "")
