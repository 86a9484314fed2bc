"""Ingest through the whole path: gRPC -> observer -> recorder (normalising and projecting in it) -> rows.

`make bench-ingest`. The runtime is the stand-in, in a process of its own; its CPU is not counted. The database is durable
(fsync on), started for the benchmark and deleted after it. Mix of a run: proposals 1 %, evaluations 10 %, votes 9 %, the
rest messages of an unknown type with 600 bytes of JSON.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import django
import psycopg

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 300


def main() -> None:
    """Prints one table."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--case", action="append", help="RUNSxEVENTS; default 1x5000 and 20x500")
    wanted.add_argument("--repeat", type=int, default=3)
    options = wanted.parse_args()
    with _database() as (dsn, postgres_pid):
        _prepare(dsn)
        rows = [
            _measure(dsn, postgres_pid, *map(int, case.split("x")))
            for case in options.case or ["1x5000", "20x500"]
            for _ in range(options.repeat)
        ]
    _print(rows)


@contextlib.contextmanager
def _database() -> Iterator[tuple[str, int]]:
    from tests.database import ThrowawayServer  # after the environment is set

    server = ThrowawayServer(durable=True)
    address = server.start()
    try:
        pid = server.postgres.pid
        assert pid is not None
        yield "postgres://{user}:{password}@{host}:{port}/{name}".format(**address), pid
    finally:
        server.stop()


def _prepare(dsn: str) -> None:
    os.environ.update(DATABASE_URL=dsn, SIGNALBOX_PROCESS="benchmark", LOG_LEVEL="warning", AUTH_API_KEYS="bench=bench")
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=os.environ, check=True)


def _measure(dsn: str, postgres_pid: int, runs: int, events: int) -> dict[str, object]:
    from tests.benchmarks.processes import cpu_seconds, resident_mb

    with _runtime(events) as port, _observer(port) as observer, psycopg.connect(dsn, autocommit=True) as database:
        _await_observer(database)
        before = cpu_seconds(observer) + cpu_seconds(postgres_pid)
        statements = _transactions(database)
        ids = [_launch(f"bench-{n}") for n in range(runs)]
        _await_endings(database, ids)
        cpu = cpu_seconds(observer) + cpu_seconds(postgres_pid) - before
        statements = _transactions(database) - statements
        memory = resident_mb(observer)
        envelopes, seconds, batches = _recorded(database, ids)
    return {
        "case": f"{runs} x {events}",
        "envelopes/s": round(envelopes / seconds),
        "CPU-s per 1 000": round(cpu / envelopes * 1000, 3),
        "transactions per envelope": round(statements / envelopes, 3),
        "envelopes per batch": round(envelopes / batches, 1),
        "observer MB": round(memory),
    }


@contextlib.contextmanager
def _runtime(events: int) -> Iterator[int]:
    command = [sys.executable, "-m", "tests.stand_in_runtime", "--script", "load", "--events", str(events)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def _observer(port: int) -> Iterator[int]:
    environment = {
        **os.environ,
        "SIGNALBOX_PROCESS": "observer",
        "RUNTIME_ADDRESS": f"127.0.0.1:{port}",
        "RUNTIME_DEV_SENDERS": "true",
    }
    process = subprocess.Popen([sys.executable, "manage.py", "observe_runs"], cwd=ROOT, env=environment)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


def _launch(name: str) -> UUID:
    from runs.api.requests import read_execution_request
    from runs.models.project import DEFAULT_PROJECT_ID
    from runs.operations.audit import Actor
    from runs.operations.launch import launch_run

    session = {
        "modeName": "macp.mode.decision.v1",
        "modeVersion": "1.0.0",
        "configurationVersion": "config.default",
        "ttlMs": 600000,
        "participants": [{"id": "lead"}, {"id": "a"}, {"id": "b"}],
    }
    return launch_run(
        project_id=DEFAULT_PROJECT_ID,
        request=read_execution_request({"mode": "live", "runtime": {"kind": "macp"}, "session": session}),
        idempotency_key=None,
        traceparent=None,
        actor=Actor(name=name, kind="api_key"),
        request_id=None,
    ).run_id


def _await_observer(database: psycopg.Connection[tuple[object, ...]]) -> None:
    _await(database, "SELECT count(*) = 1 FROM runs_observer WHERE lost_at IS NULL", [])


def _await_endings(database: psycopg.Connection[tuple[object, ...]], ids: list[UUID]) -> None:
    _await(database, "SELECT count(*) = 0 FROM runs_run WHERE id = ANY(%s) AND ending_seq IS NULL", [ids])


def _await(database: psycopg.Connection[tuple[object, ...]], question: str, values: list[object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (database.execute(question, values).fetchone() or [False])[0]:
        if time.monotonic() > deadline:
            raise SystemExit("the benchmark did not finish in time")
        time.sleep(0.05)


def _transactions(database: psycopg.Connection[tuple[object, ...]]) -> int:
    row = database.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()").fetchone()
    assert row is not None
    return int(str(row[0]))


def _recorded(database: psycopg.Connection[tuple[object, ...]], ids: list[UUID]) -> tuple[int, float, int]:
    """Envelopes, seconds from the first recorded batch's start to the last one's, and how many batches."""
    row = database.execute(
        """SELECT count(*), extract(epoch FROM max(o.created_at)
                                             - (SELECT min(started_at) FROM runs_run WHERE id = ANY(%(ids)s))),
                  count(DISTINCT (o.run_id, o.created_at))
             FROM runs_rawobservation o WHERE o.run_id = ANY(%(ids)s) AND o.kind = 'stream-envelope'""",
        {"ids": ids},
    ).fetchone()
    assert row is not None
    return int(str(row[0])), float(str(row[1])), int(str(row[2]))


def _print(rows: list[dict[str, object]]) -> None:
    from tests.benchmarks.processes import machine

    print(machine())
    print("| " + " | ".join(rows[0]) + " |")
    print("|" + "---|" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(map(str, row.values())) + " |")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    main()
