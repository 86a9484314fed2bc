"""Memory: what one observer needs for live runs that say nothing, and whether it stays that way.

`make bench-memory`. The stand-in runtime plays nothing, so every session stays open; the runs are launched from this
process on a throw-away database, and measured once all of them are running and a few seconds have passed.
"""

import argparse
import time

from tests.benchmarks.processes import connections_to, cpu_seconds, resident_mb
from tests.benchmarks.run import launched
from tests.benchmarks.stage import Stage, observer, progress, stand_in_runtime, throwaway_database
from tests.benchmarks.table import load_average, print_table

STEPS = (0, 100, 500, 1000)
SETTLE_SECONDS = 5
WATCH_STEP_SECONDS = 15
# A stream that broke off, or a run that is anything but running.
TROUBLE = """
SELECT (SELECT count(*) FROM runs_event WHERE type = 'session.stream.opened' AND data LIKE '%%"reconnecting"%%')
     + (SELECT count(*) FROM runs_run WHERE status <> 'running')
"""


def main() -> None:
    """Prints one table."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--runs", type=int, action="append", help="live runs to measure at; default 0, 100, 500, 1000")
    wanted.add_argument("--watch", type=int, default=60, help="seconds to watch the last number of runs")
    options = wanted.parse_args()
    with (
        throwaway_database() as stage,
        stand_in_runtime() as runtime,
        observer(stage, runtime) as pid,
    ):
        rows = []
        for runs in sorted(options.runs or STEPS):
            seconds = _raise_to(stage, runs)
            time.sleep(SETTLE_SECONDS)
            rows.append(_row(stage, pid, runtime.port, runs, f"launched in {seconds:.1f} s"))
        rows += _watched(stage, pid, runtime.port, runs, options.watch)
        load = load_average()
    print_table(rows, load)


def _raise_to(stage: Stage, runs: int) -> float:
    """Seconds until that many runs were running."""
    progress(f"{runs} live runs")
    began = time.monotonic()
    for _ in range(runs - int(stage.number("SELECT count(*) FROM runs_run"))):
        launched("macp")
    stage.wait_until("SELECT count(*) = %s FROM runs_run WHERE status = 'running'", runs, seconds=120)
    return time.monotonic() - began


def _watched(stage: Stage, pid: int, port: int, runs: int, seconds: int) -> list[dict[str, object]]:
    rows = []
    for passed in range(WATCH_STEP_SECONDS, seconds + 1, WATCH_STEP_SECONDS):
        progress(f"{passed} s of {seconds} s")
        time.sleep(WATCH_STEP_SECONDS)
        rows.append(_row(stage, pid, port, runs, f"{passed} s later"))
    return rows


def _row(stage: Stage, pid: int, port: int, runs: int, when: str) -> dict[str, object]:
    return {
        "live runs": runs,
        "when": when,
        "observer MB": round(resident_mb(pid)),
        "CPU-s so far": round(cpu_seconds(pid), 1),
        "connections to the runtime": connections_to(port),
        "not running, or reconnected": round(stage.number(TROUBLE)),
    }


if __name__ == "__main__":
    main()
