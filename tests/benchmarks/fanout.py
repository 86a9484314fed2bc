"""How soon a crowd sees an event, and what that costs the web process that serves it.

`make bench-fanout`. 50 events/s of about 900 bytes on one run, written beside the web process as an observer writes them;
a crowd of subscribers in a process of its own. The delay is from before the write to the arrival at a subscriber, all of
it on this machine; CPU is that of the web process alone, per frame that arrived.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

# isort: off
from tests.benchmarks.stage import API_KEY, Stage, progress, served, throwaway_database  # first: it sets Django up

# isort: on
from runs.models import Run
from tests.benchmarks.processes import cpu_seconds, resident_mb
from tests.benchmarks.table import load_average, print_table
from tests.integration.runs.conftest import append, end, store_run

RATE = 50
SECONDS = 10
SETTLING_S = 2.0
TEXT = "x" * 560  # makes an event of about 900 bytes


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the table."""

    server: str
    kind: str
    subscribers: int
    coalesce_ms: int
    snapshot_ms: int
    goal_ms: int


CASES = [
    Case("daphne", "ws", 500, 0, 0, 100),
    Case("daphne", "sse", 500, 0, 0, 100),
    Case("daphne", "sse", 500, 0, 2_000, 100),
    Case("daphne", "ws", 1_000, 50, 0, 250),
    Case("daphne", "sse", 1_000, 50, 0, 250),
    Case("daphne", "sse", 1_000, 50, 2_000, 250),
    Case("uvicorn", "ws", 1_000, 0, 0, 250),
    Case("uvicorn", "ws", 3_000, 100, 0, 300),
    Case("uvicorn", "sse", 3_000, 100, 0, 300),
    Case("uvicorn", "sse", 3_000, 100, 2_000, 300),
]


def main() -> None:
    """Prints one line for each case."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--server", choices=["daphne", "uvicorn"])
    wanted.add_argument("--kind", choices=["sse", "ws"])
    wanted.add_argument("--subscribers", type=int)
    options = wanted.parse_args()
    cases = [
        case
        for case in CASES
        if options.server in (None, case.server)
        and options.kind in (None, case.kind)
        and options.subscribers in (None, case.subscribers)
    ]
    with throwaway_database() as stage:
        print_table([_measured(stage, case) for case in cases], load_average())


def _measured(stage: Stage, case: Case) -> dict[str, object]:
    progress(f"{case.server}, {case.subscribers} by {case.kind}, {case.coalesce_ms} ms, snapshots {case.snapshot_ms}")
    run = store_run()
    append(run)
    with served(stage, server=case.server, STREAM_COALESCE_MS=str(case.coalesce_ms), STREAM_MAX_PER_CALLER="10000") as (
        port,
        pid,
    ):
        path = ("/ws" if case.kind == "ws" else "") + f"/runs/{run.id}" + ("" if case.kind == "ws" else "/stream")
        with _crowd(case, port, f"{path}?snapshotMs={case.snapshot_ms}") as crowd:
            time.sleep(SETTLING_S)
            before = cpu_seconds(pid)
            written = _write(run)
            time.sleep(SETTLING_S)
            used, memory = cpu_seconds(pid) - before, resident_mb(pid)
            report = json.loads(crowd.communicate()[0])
    end(run)
    frames = written * case.subscribers
    row = {
        "server": case.server,
        "stream": case.kind,
        "subscribers": case.subscribers,
        "coalesced, ms": case.coalesce_ms,
        "snapshots, ms": case.snapshot_ms,
        "delivered": f"{report['frames'] / frames:.1%}",
        "p50 ms": f"{report['p50']:.0f}",
        "p99 ms": f"{report['p99']:.0f}",
        "goal": case.goal_ms,
        "CPU us/frame": f"{used / frames * 1e6:.1f}",
        "web MB": f"{memory:.0f}",
    }
    progress(" | ".join(map(str, row.values())))
    return row


@contextlib.contextmanager
def _crowd(case: Case, port: int, path: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.benchmarks.crowd", "--kind", case.kind, "--port", str(port)]
    command += ["--path", path, "--key", API_KEY, "--subscribers", str(case.subscribers)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            raise SystemExit("the crowd did not get in")
        yield process
    finally:
        process.kill()
        process.wait()


def _write(run: Run) -> int:
    """So many events, each at its time."""
    begun = time.monotonic()
    for number in range(RATE * SECONDS):
        time.sleep(max(0.0, begun + number / RATE - time.monotonic()))
        append(run, sentNs=time.time_ns(), sender="alice", messageType="Note", text=TEXT)
    return RATE * SECONDS


if __name__ == "__main__":
    main()
