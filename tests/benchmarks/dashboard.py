"""How long the dashboard takes on 100 000 runs, in windows that hold all of them, a day of them, or one environment.

`make bench-dashboard`. With `--plans` the plan of each statement follows. The runs are written by the database itself, and
as wide as real ones: a request, metadata and a state of some kilobytes each.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

# isort: off
from tests.benchmarks.stage import Stage, progress, throwaway_database  # first: it sets Django up

# isort: on
from django.db import connection
from django.test.utils import CaptureQueriesContext

from insights.agents import agent_metrics
from insights.counting import database_now
from insights.overview import overview
from insights.window import Window
from runs.models.project import DEFAULT_PROJECT_ID
from tests.benchmarks.table import load_average, print_table

BUDGET_MS = 500  # for all of the runs, on two cores with nothing else to do
TIMES = 7
DAYS = 30

FILL = (
    """INSERT INTO runs_run (id, project_id, status, mode, mode_name, runtime_kind, session_id, session_opener, traceparent,
        request_digest, request, tags, metadata, source_ref, last_seq, last_raw_seq, ending_seq, ended_at, error_code,
        late_count, lease_epoch, recovery_attempts, cleanup_errors, cleanup_attempts, created_at, updated_at)
    SELECT gen_random_uuid(), '00000000-0000-7000-8000-000000000001', status, 'live', 'macp.mode.decision.v1', 'scripted',
        's-' || n, 'control-plane', '', '', repeat(md5(n::text), 20), '{{}}',
        jsonb_build_object('environment', 'env-' || n % 10, 'executionRequest', repeat(md5(n::text), 20)), 'pack/' || n % 40,
        10, 4, CASE WHEN status <> 'running' THEN 10 END,
        CASE WHEN status <> 'running' THEN created_at + n % 997 * interval '40 milliseconds' END,
        CASE WHEN status = 'failed' THEN 'session_lost' END, 0, 0, 0, '[]', 0, created_at, created_at
    FROM (SELECT n, now() - n * interval '{days} days' / {runs} AS created_at,
                 CASE WHEN n % 100 = 0 THEN 'running' WHEN n % 10 = 0 THEN 'failed' ELSE 'completed' END AS status
            FROM generate_series(1, {runs}) AS n) AS made""",
    """INSERT INTO runs_projection (id, run_id, state, private, projected_seq, schema_version, signal_count, total_tokens,
        cost_micro_usd, outcome, agents)
    SELECT gen_random_uuid(), id, (SELECT string_agg(md5(id::text || k), '') FROM generate_series(1, 150) AS k),
        (SELECT string_agg(md5(id::text || k), '') FROM generate_series(1, 20) AS k), 10, 3, 2, 1000, 500, 1,
        jsonb_build_object('lead', ARRAY[(random() * 9)::int, 1, 0, 0], 'bob', ARRAY[3, (random() * 9)::int, 0, 0],
                           'agent-' || substr(id::text, 36), ARRAY[5, 0, 1, 500000])
    FROM runs_run""",
    "VACUUM ANALYZE runs_run",
    "VACUUM ANALYZE runs_projection",
)


def main() -> None:
    """Prints one table, and the plans if they are asked for."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--runs", type=int, default=100_000)
    wanted.add_argument("--plans", action="store_true")
    options = wanted.parse_args()
    with throwaway_database(durable=False) as stage:
        progress(f"filling {options.runs} runs")
        for statement in FILL:
            stage.database.execute(statement.format(runs=options.runs, days=DAYS).encode())
        rows = [row for name, window in _windows() for row in _rows(name, window)]
        load = load_average()
        print_table(rows, f"budget {BUDGET_MS} ms for all runs", load)
        if options.plans:
            print("", *_plans(stage), sep="\n")


def _windows() -> Iterator[tuple[str, Window]]:
    now = database_now()
    yield "all runs", Window(start=now - timedelta(days=DAYS + 1), end=now)
    yield "a day", Window(start=now - timedelta(days=1), end=now)
    yield "an hour", Window(start=now - timedelta(hours=1), end=now)
    yield "one environment", Window(start=now - timedelta(days=DAYS + 1), end=now, environment="env-1")


def _rows(name: str, window: Window) -> Iterator[dict[str, object]]:
    counted = window.runs(DEFAULT_PROJECT_ID).count()
    for read in (overview, agent_metrics):
        taken = sorted(_milliseconds(read, window) for _ in range(TIMES))
        middle = f"{taken[TIMES // 2]:.0f}"
        yield {
            "window": name,
            "runs": counted,
            "read": read.__name__,
            "least ms": f"{taken[0]:.0f}",
            "median ms": middle,
        }


def _milliseconds(read: Callable[..., object], window: Window) -> float:
    began = time.perf_counter()
    read(DEFAULT_PROJECT_ID, window)
    return (time.perf_counter() - began) * 1000


def _plans(stage: Stage) -> Iterator[str]:
    window = dict(_windows())["all runs"]
    with CaptureQueriesContext(connection) as captured:
        overview(DEFAULT_PROJECT_ID, window)
        agent_metrics(DEFAULT_PROJECT_ID, window)
    stage.database.execute("SET work_mem = '32MB'")
    stage.database.execute("SET jit = off")
    for query in captured.captured_queries:
        if "picked" in query["sql"]:
            yield query["sql"].partition("picked AS")[2]
            plan = stage.database.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {query['sql']}".encode())
            yield from (f"    {row[0]}" for row in plan.fetchall())


if __name__ == "__main__":
    main()
