"""What a web process needs to export a run of 100 000 events, to a reader that takes it and to one that stops.

`make bench-export`. The reader that stops takes a little, and nothing more: memory must stay as it is while it is waited for.
"""

import argparse
import socket
import time
from uuid import UUID

# isort: off
from tests.benchmarks.stage import API_KEY, Stage, progress, served, throwaway_database  # first: it sets Django up

# isort: on
import httpx

from tests.benchmarks.processes import cpu_seconds, resident_mb
from tests.benchmarks.table import load_average, print_table
from tests.integration.runs.conftest import append, store_run

BATCH = 1000
SLEEPY_S = 5
HEADERS = {"Authorization": f"Bearer {API_KEY}"}


def main() -> None:
    """Prints one table, a line for each server and each number of events."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--events", type=int, action="append", help="default 10 000 and 100 000")
    rows = []
    with throwaway_database(durable=False) as stage:
        for events in sorted(wanted.parse_args().events or (10_000, 100_000)):
            run_id = _filled(events)
            rows += [_row(stage, server, run_id, events) for server in ("daphne", "uvicorn")]
    print_table(rows, load_average())


def _filled(events: int) -> UUID:
    progress(f"{events} events")
    run = store_run()
    for _ in range(events // BATCH):
        append(run, BATCH, sender="alice", messageType="Note", payload={"text": "words " * 100})
    return run.id


def _row(stage: Stage, server: str, run_id: UUID, events: int) -> dict[str, object]:
    progress(f"{events} events on {server}")
    address = f"/runs/{run_id}/export/stream"
    with served(stage, server=server) as (port, pid):
        _read(port, f"/runs/{run_id}/metrics")
        before, used, began = resident_mb(pid), cpu_seconds(pid), time.monotonic()
        most, size, last = before, 0, b""
        with httpx.stream("GET", f"http://127.0.0.1:{port}{address}", headers=HEADERS, trust_env=False) as answer:
            for chunk in answer.iter_bytes():
                size += len(chunk)
                last = (last + chunk)[-200:]
                most = max(most, resident_mb(pid))
        seconds, used = time.monotonic() - began, cpu_seconds(pid) - used
        asleep = _held_back(port, pid, address)
    return {
        "server": server,
        "events": events,
        "MB sent": round(size / 1e6),
        "seconds": f"{seconds:.1f}",
        "CPU-s": f"{used:.1f}",
        "footer": b'"type":"footer"' in last,
        "MB before": round(before),
        "MB at most": round(most),
        f"MB after {SLEEPY_S} s of a reader that stopped": round(asleep),
    }


def _held_back(port: int, pid: int, address: str) -> float:
    """Memory of the server while somebody has asked for the export and does not read it."""
    with socket.create_connection(("127.0.0.1", port)) as reader:
        request = f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {HEADERS['Authorization']}\r\n\r\n"
        reader.sendall(request.encode())
        reader.recv(1024)
        time.sleep(SLEEPY_S)
        return resident_mb(pid)


def _read(port: int, address: str) -> None:
    httpx.get(f"http://127.0.0.1:{port}{address}", headers=HEADERS, trust_env=False).raise_for_status()


if __name__ == "__main__":
    main()
