"""What a read costs the web process that answers it.

`make bench-api`. 1 000 runs in the database, each with a log, read by 16 connections that ask again as soon as they are
answered. CPU is that of the web process alone, its threads included; the caller is a process of its own.
"""

import argparse
import json
import subprocess
import sys

# isort: off
from tests.benchmarks.stage import API_KEY, Stage, progress, served, throwaway_database

# isort: on
from runs.models import Run
from tests.benchmarks.processes import cpu_seconds
from tests.benchmarks.table import load_average, print_table
from tests.integration.runs.conftest import append, end, store_run

RUNS, EVENTS = 1_000, 12
CONNECTIONS = 16
WARM_UP, REQUESTS = 300, 3_000
READS = {
    "GET /runs/{id}": ("/runs/%s", 0.43),
    "GET /runs/{id}/state": ("/runs/%s/state", 0.75),
    "GET /runs/{id}/events": ("/runs/%s/events", 0.71),
    "GET /runs?limit=50": ("/runs?limit=50&includeSandbox=true", 1.26),
}


def main() -> None:
    """Prints one line for each read on each server."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--server", choices=["daphne", "uvicorn"], action="append")
    wanted.add_argument("--requests", type=int, default=REQUESTS)
    options = wanted.parse_args()
    with throwaway_database(durable=False) as stage:
        run = _filled(stage)
        rows = []
        for server in options.server or ["daphne", "uvicorn"]:
            with served(stage, server=server, THROTTLE_LIMIT="1000000") as (port, pid):
                for name, (template, goal_ms) in READS.items():
                    path = template.replace("%s", str(run.id))
                    _called(port, path, WARM_UP)
                    before, database = cpu_seconds(pid), cpu_seconds(stage.postgres_pid)
                    report = _called(port, path, options.requests)
                    used = cpu_seconds(pid) - before
                    rows.append(
                        {
                            "server": server,
                            "read": name,
                            "CPU ms/request": f"{used / options.requests * 1e3:.2f}",
                            "goal": f"{goal_ms:.2f}",
                            "requests/CPU-s": f"{options.requests / used:.0f}",
                            "requests/s": f"{report['rate']:.0f}",
                            "p50 ms": f"{report['p50']:.1f}",
                            "p99 ms": f"{report['p99']:.1f}",
                            "PostgreSQL ms": f"{(cpu_seconds(stage.postgres_pid) - database) / options.requests * 1e3:.2f}",
                            "bytes": report["bytes"],
                        }
                    )
                    progress(" | ".join(map(str, rows[-1].values())))
        print_table(rows, load_average())


def _filled(stage: Stage) -> Run:
    """One of so many runs, most of them ended."""
    progress(f"{RUNS} runs of {EVENTS} events")
    for number in range(RUNS):
        run = store_run()
        for _ in range(EVENTS):
            append(run, sender="alice", messageType="Note", text="x" * 300)
        if number % 10:
            end(run)
    stage.database.execute("ANALYZE")
    return run


def _called(port: int, path: str, requests: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.callers", "--port", str(port), "--path", path, "--key", API_KEY]
    command += ["--connections", str(CONNECTIONS), "--requests", str(requests)]
    report: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return report


if __name__ == "__main__":
    main()
