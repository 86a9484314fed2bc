"""Launch: how long from POST /runs to the answer, to the claim, and to the first event that came from the runtime.

`make bench-launch`. A web process, an observer and (for macp) the stand-in runtime, over real HTTP and gRPC, on a durable
database started for the benchmark and deleted after it; one launch after the other. All times are of one clock, the
database's: the answer is counted from just before the POST, the rest from the run's creation and once more from the POST.
"""

import argparse
from uuid import UUID

import httpx

from tests.benchmarks.run import body
from tests.benchmarks.stage import Stage, observer, progress, stand_in_runtime, throwaway_database, web
from tests.benchmarks.table import load_average, print_table

KINDS = ("scripted", "macp")
NOW = "SELECT extract(epoch FROM clock_timestamp())"
# Nothing of this run is left to do but to watch it, so the next launch is alone.
IS_QUIET = """
SELECT (ending_seq IS NOT NULL OR status = 'running')
       AND EXISTS (SELECT 1 FROM runs_event WHERE run_id = r.id AND source_kind = 'runtime')
  FROM runs_run r WHERE id = %s
"""
MOMENTS = """
SELECT extract(epoch FROM r.created_at),
       extract(epoch FROM min(e.ts) FILTER (WHERE e.type = 'run.started')),
       extract(epoch FROM min(e.ts) FILTER (WHERE e.source_kind = 'runtime'))
  FROM runs_run r JOIN runs_event e ON e.run_id = r.id WHERE r.id = %s GROUP BY r.created_at
"""
Spans = dict[str, float]


def main() -> None:
    """Prints one table."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--launches", type=int, default=50, help="of each kind")
    wanted.add_argument("--warm-ups", type=int, default=5, help="of each kind, not counted")
    options = wanted.parse_args()
    with (
        throwaway_database() as stage,
        stand_in_runtime() as runtime,
        observer(stage, runtime),
        web(stage, runtime) as caller,
    ):
        rows = [row for kind in KINDS for row in _measured(stage, caller, kind, options.launches, options.warm_ups)]
        load = load_average()
    print_table(rows, load)


def _measured(stage: Stage, caller: httpx.Client, kind: str, launches: int, warm_ups: int) -> list[dict[str, object]]:
    progress(f"{kind}: {warm_ups} + {launches} launches")
    spans = [_launch(stage, caller, kind) for _ in range(warm_ups + launches)][warm_ups:]
    return [_row(kind, name, sorted(one[name] for one in spans)) for name in spans[0]]


def _launch(stage: Stage, caller: httpx.Client, kind: str) -> Spans:
    """Milliseconds of one launch by what they lead from and to."""
    posted = stage.number(NOW)
    answer = caller.post("/runs", json=body(kind))
    answered = stage.number(NOW)
    answer.raise_for_status()
    run_id = UUID(answer.json()["runId"])
    stage.wait_until(IS_QUIET, run_id, seconds=30, step=0.02)
    created, started, heard = (float(str(moment)) for moment in stage.row(MOMENTS, run_id))
    return {
        "POST to answer": (answered - posted) * 1000,
        "creation to run.started": (started - created) * 1000,
        "creation to first runtime event": (heard - created) * 1000,
        "POST to first runtime event": (heard - posted) * 1000,
    }


def _row(kind: str, name: str, spans: list[float]) -> dict[str, object]:
    def percentile(part: float) -> float:
        return round(spans[min(len(spans) - 1, int(len(spans) * part))], 1)

    return {
        "runtime": kind,
        "from, to": name,
        "p50 ms": percentile(0.50),
        "p95 ms": percentile(0.95),
        "max ms": round(spans[-1], 1),
    }


if __name__ == "__main__":
    main()
