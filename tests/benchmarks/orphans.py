"""Orphans: many runs whose observer is gone, attached to again by one other; and many that are due, ended by two sweeps.

`make bench-recovery`. Quiet sessions on the stand-in. Leases are short (3 s), for it is the work that is measured: from the
declared loss of the owner to the last run that is attached to again, and from the first ending of two sweeps that were
started together to the last.
"""

import argparse
import contextlib
import os
import signal
from collections.abc import Iterator

from tests.benchmarks.processes import resident_mb
from tests.benchmarks.run import launched
from tests.benchmarks.stage import Stage, observer, progress, stand_in_runtime, sweep, throwaway_database
from tests.benchmarks.table import load_average, print_table
from tests.runtime_process import StandInRuntime

LEASES = {"OBSERVER_BEAT_S": "1", "OBSERVER_LEASE_S": "3", "OBSERVER_SWEEP_S": "1"}
QUIET = {"RUNTIME_REQUEST_TIMEOUT_MS": "5000"}
ALL_RUNNING = "SELECT count(*) = 0 FROM runs_run WHERE ending_seq IS NULL AND status <> 'running'"
REATTACHED = """SELECT count(*) FROM runs_event WHERE data LIKE '%%"recovery":"reattached"%%'"""
SPAN = """
SELECT extract(epoch FROM max(e.ts) - (SELECT max(lost_at) FROM runs_observer))
  FROM runs_event e WHERE e.data LIKE '%%"recovery":"reattached"%%'
"""
MAKE_DUE = "UPDATE runs_run SET hard_deadline = clock_timestamp() WHERE ending_seq IS NULL"
ALL_ENDED = "SELECT count(*) = 0 FROM runs_run WHERE ending_seq IS NULL"
ENDED = """
SELECT count(*), count(DISTINCT r.id), extract(epoch FROM max(e.ts) - min(e.ts))
  FROM runs_run r JOIN runs_event e ON e.run_id = r.id AND e.type = 'run.failed' WHERE r.error_code = 'run_timeout'
"""
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def main() -> None:
    """Prints two tables."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--runs", type=int, default=1_000)
    runs: int = wanted.parse_args().runs
    with throwaway_database() as stage, stand_in_runtime() as runtime:
        attached = _reattached(stage, runtime, runs)
        print_table([attached], load_average())
        up = _swept(stage, runtime, "up")
    with throwaway_database() as stage:
        with stand_in_runtime() as runtime, _live_runs(stage, runtime, runs) as pid:
            os.kill(pid, signal.SIGKILL)
        away = _swept(stage, runtime, "away, breaker open")
    print_table([up, away], load_average())


def _reattached(stage: Stage, runtime: StandInRuntime, runs: int) -> dict[str, object]:
    with _live_runs(stage, runtime, runs) as pid:
        os.kill(pid, signal.SIGKILL)
    progress("a second observer")
    with observer(stage, runtime, **LEASES) as second:
        stage.wait_until(f"SELECT ({REATTACHED}) = %s", runs, step=0.2)
        row = {
            "runs": runs,
            "attached to again after s": round(stage.number(SPAN), 1),
            "goal": "under 60",
            "observer MB": round(resident_mb(second)),
            "ended or lost": round(stage.number("SELECT count(*) FROM runs_run WHERE ending_seq IS NOT NULL")),
        }
        os.kill(second, signal.SIGKILL)
    return row


def _swept(stage: Stage, runtime: StandInRuntime, state: str) -> dict[str, object]:
    progress(f"two sweeps, the runtime is {state}")
    stage.database.execute(MAKE_DUE)
    before = stage.number(DEADLOCKS)
    with sweep(stage, runtime, **QUIET), sweep(stage, runtime, **QUIET):
        stage.wait_until(ALL_ENDED)
    endings, runs, seconds = stage.row(ENDED)
    return {
        "the runtime is": state,
        "due runs": runs,
        "endings": endings,
        "first to last ending s": round(float(str(seconds)), 1),
        "goal": "under 10",
        "deadlocks": round(stage.number(DEADLOCKS) - before),
    }


@contextlib.contextmanager
def _live_runs(stage: Stage, runtime: StandInRuntime, runs: int) -> Iterator[int]:
    """The pid of the observer that watches them all."""
    with observer(stage, runtime, **LEASES) as pid:
        progress(f"{runs} live runs")
        for _ in range(runs):
            launched("macp")
        stage.wait_until(ALL_RUNNING)
        yield pid


if __name__ == "__main__":
    main()
