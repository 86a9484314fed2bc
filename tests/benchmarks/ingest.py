"""Ingest through the whole path: gRPC -> observer -> recorder (normalising and projecting in it) -> rows.

`make bench-ingest`. The runtime is the stand-in, in a process of its own; its CPU is not counted. The database is durable
(fsync on), started for the benchmark and deleted after it. Mix of a run: proposals 1 %, evaluations 10 %, votes 9 %, the
rest messages of an unknown type with 600 bytes of JSON.
"""

import argparse
from uuid import UUID

from tests.benchmarks.processes import cpu_seconds, resident_mb
from tests.benchmarks.run import launched
from tests.benchmarks.stage import Stage, observer, progress, stand_in_runtime, throwaway_database
from tests.benchmarks.table import print_table

ALL_ENDED = "SELECT count(*) = 0 FROM runs_run WHERE id = ANY(%s) AND ending_seq IS NULL"
# Envelopes, seconds from the first recorded batch's start to the last one's, and how many batches.
RECORDED = """
SELECT count(*), extract(epoch FROM max(o.created_at) - (SELECT min(started_at) FROM runs_run WHERE id = ANY(%s))),
       count(DISTINCT (o.run_id, o.created_at))
  FROM runs_rawobservation o WHERE o.run_id = ANY(%s) AND o.kind = 'stream-envelope'
"""


def main() -> None:
    """Prints one table."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--case", action="append", help="RUNSxEVENTS; default 1x5000 and 20x500")
    wanted.add_argument("--repeat", type=int, default=3)
    options = wanted.parse_args()
    with throwaway_database() as stage:
        rows = [
            _measure(stage, *map(int, case.split("x")))
            for case in options.case or ["1x5000", "20x500"]
            for _ in range(options.repeat)
        ]
    print_table(rows)


def _measure(stage: Stage, runs: int, events: int) -> dict[str, object]:
    progress(f"{runs} x {events} envelopes")
    with (
        stand_in_runtime("--script", "load", "--events", str(events)) as runtime,
        observer(stage, runtime) as observer_pid,
    ):
        before = _cpu(stage, observer_pid)
        transactions = _transactions(stage)
        ids = [launched("macp") for _ in range(runs)]
        stage.wait_until(ALL_ENDED, ids)
        cpu = _cpu(stage, observer_pid) - before
        transactions = _transactions(stage) - transactions
        memory = resident_mb(observer_pid)
        envelopes, seconds, batches = _recorded(stage, ids)
    return {
        "case": f"{runs} x {events}",
        "envelopes/s": round(envelopes / seconds),
        "CPU-s per 1 000": round(cpu / envelopes * 1000, 3),
        "transactions per envelope": round(transactions / envelopes, 3),
        "envelopes per batch": round(envelopes / batches, 1),
        "observer MB": round(memory),
    }


def _cpu(stage: Stage, observer_pid: int) -> float:
    return cpu_seconds(observer_pid) + cpu_seconds(stage.postgres_pid)


def _transactions(stage: Stage) -> float:
    return stage.number("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")


def _recorded(stage: Stage, ids: list[UUID]) -> tuple[int, float, int]:
    envelopes, seconds, batches = stage.row(RECORDED, ids, ids)
    return int(str(envelopes)), float(str(seconds)), int(str(batches))


if __name__ == "__main__":
    main()
