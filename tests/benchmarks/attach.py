"""How soon somebody who comes late to a long run sees its state, and how fast the events that were missed follow.

`make bench-attach`. A run of 50 000 events that still goes on; viewers come one after another to one web process.
"""

import argparse
import http.client
import time
from uuid import UUID

import httpx

# isort: off
from tests.benchmarks.stage import API_KEY, Stage, observer, progress, served, stand_in_runtime, throwaway_database, web

# isort: on
from tests.benchmarks.table import load_average, print_table
from tests.bodies import short_body

EVENTS = 50_000
VIEWERS = 200
BACK_FILLS = 5
LAST = b'"latestSeq":'
GOAL_MS, GOAL_RATE = 200, 20_000


def main() -> None:
    """Prints one line for each server."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--events", type=int, default=EVENTS)
    events = wanted.parse_args().events
    with throwaway_database() as stage, stand_in_runtime() as runtime:
        progress(f"a run of {events} events")
        with observer(stage, runtime), web(stage, runtime) as api:
            run_id = _launched(api, events)
            stage.wait_until("SELECT last_seq >= %s FROM runs_run WHERE id = %s", events, run_id)
        # Its observer is gone and it says nothing more, but it has not ended: viewers are served as those of a live run.
        print_table([_measured(stage, server, run_id) for server in ("daphne", "uvicorn")], load_average())


def _launched(api: httpx.Client, events: int) -> UUID:
    load = {"kind": "scripted", "options": {"scenario": "load", "events": events * 2, "ratePerSecond": 0}}
    return UUID(api.post("/runs", json={**short_body(), "runtime": load}).raise_for_status().json()["runId"])


def _measured(stage: Stage, server: str, run_id: UUID) -> dict[str, object]:
    progress(f"{VIEWERS} viewers and {BACK_FILLS} back-fills on {server}")
    last = int(stage.number("SELECT last_seq FROM runs_run WHERE id = %s", run_id))
    with served(stage, server=server) as (port, _):
        states = sorted(_seconds_to(port, f"/runs/{run_id}/stream", b"\n\nevent: snapshot") for _ in range(VIEWERS))
        whole = f"/runs/{run_id}/stream?afterSeq=0&includeSnapshot=false"
        fills = sorted(_seconds_to(port, whole, b"id: %d\n" % last) for _ in range(BACK_FILLS))
    return {
        "server": server,
        "events": last,
        "state p50 ms": f"{states[len(states) // 2] * 1e3:.0f}",
        "state p99 ms": f"{states[int(len(states) * 0.99)] * 1e3:.0f}",
        "goal": GOAL_MS,
        "back-fill events/s": f"{last / fills[len(fills) // 2]:.0f}",
        "goal ": GOAL_RATE,
    }


def _seconds_to(port: int, path: str, mark: bytes) -> float:
    """Until the frame with the mark is there as a whole."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    begun = time.monotonic()
    connection.request("GET", path, headers={"Authorization": f"Bearer {API_KEY}"})
    response = connection.getresponse()
    seen = b"\n\n"
    while True:
        seen += response.read1(1 << 16)
        place = seen.find(mark)
        if place >= 0 and seen.find(b"\n\n", place + len(mark)) >= 0:
            connection.close()
            return time.monotonic() - begun
        if place < 0:
            seen = seen[-len(mark) :]


if __name__ == "__main__":
    main()
