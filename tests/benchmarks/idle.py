"""What a web process needs for streams on which nothing happens.

`make bench-idle`. Ten thousand subscribers of one run, or as many as the limit of open files allows; heartbeats alone.
"""

import argparse
import resource
import subprocess
import sys
import time

# isort: off
from tests.benchmarks.stage import API_KEY, progress, served, throwaway_database  # first: it sets Django up

# isort: on
from tests.benchmarks.processes import cpu_seconds, resident_mb
from tests.benchmarks.table import load_average, print_table
from tests.integration.runs.conftest import append, store_run

SPARE_FILES = 500  # of a process, for what are no streams
WATCHED_S = 30.0


def main() -> None:
    """Prints one line for each server."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--streams", type=int, default=10_000)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    streams = min(wanted.parse_args().streams, hard - SPARE_FILES)
    with throwaway_database() as stage:
        run = store_run()
        append(run)
        table = []
        for server, kind in [("daphne", "sse"), ("daphne", "ws"), ("uvicorn", "sse"), ("uvicorn", "ws")]:
            progress(f"{streams} by {kind} on {server}")
            path = ("/ws" if kind == "ws" else "") + f"/runs/{run.id}" + ("" if kind == "ws" else "/stream")
            with served(stage, server=server, STREAM_MAX_PER_CALLER=str(streams)) as (port, pid):
                before = resident_mb(pid)
                begun = time.monotonic()
                command = [sys.executable, "-m", "tests.benchmarks.crowd", "--kind", kind, "--port", str(port)]
                command += ["--path", path, "--key", API_KEY, "--subscribers", str(streams)]
                crowd = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                assert crowd.stdout is not None
                if crowd.stdout.readline() != b"ready\n":
                    raise SystemExit("the crowd did not get in")
                connected = time.monotonic() - begun
                used = cpu_seconds(pid)
                time.sleep(WATCHED_S)
                table.append(
                    {
                        "server": server,
                        "stream": kind,
                        "streams": streams,
                        "connected in s": f"{connected:.0f}",
                        "MB before": f"{before:.0f}",
                        "MB": f"{resident_mb(pid):.0f}",
                        "kB a stream": f"{(resident_mb(pid) - before) * 1024 / streams:.0f}",
                        "CPU": f"{(cpu_seconds(pid) - used) / WATCHED_S:.0%}",
                    }
                )
                crowd.communicate()
        print_table(table, load_average())


if __name__ == "__main__":
    main()
