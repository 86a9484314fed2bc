"""What it takes to rebuild and to check a database of a million events, in many runs and in one.

`make bench-check`. Each command is a process of its own; its memory is the most it held.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.benchmarks.stage import ROOT, Stage, progress, throwaway_database
from tests.benchmarks.table import load_average, print_table

COMMANDS = (("rebuild_projections",), ("rebuild_projections", "--check"), ("check_invariants",))

# Runs as the recorder leaves them, but for the projections, which the first command makes.
FILL = (
    """INSERT INTO runs_run (id, project_id, status, mode, mode_name, runtime_kind, session_id, session_opener, traceparent,
        request_digest, request, tags, metadata, last_seq, last_raw_seq, late_count, lease_epoch, recovery_attempts,
        cleanup_errors, cleanup_attempts, created_at, updated_at)
    SELECT gen_random_uuid(), '00000000-0000-7000-8000-000000000001', 'running', 'live', 'macp.mode.decision.v1', 'scripted',
        's-' || n, 'control-plane', '', '', '{{}}', '{{}}', '{{}}', {events}, {events} - 4, 0, 0, 0, '[]', 0, now(), now()
    FROM generate_series(1, {runs}) AS n""",
    """INSERT INTO runs_event (id, run_id, project_id, seq, ts, created_at, type, subject_kind, subject_id, source_kind,
        source_name, raw_seq, lease_epoch, data)
    SELECT gen_random_uuid(), r.id, r.project_id, seq, now() + seq * interval '5 milliseconds', now(),
        coalesce(('{{run.created,run.started,session.bound,session.state.changed}}'::text[])[seq], 'message.received'),
        'message', 'm-' || seq, 'runtime', 'scripted-runtime', nullif(greatest(seq - 4, 0), 0), 0,
        coalesce('{{"runStatus":"' || ('{{queued,starting,binding_session,running}}'::text[])[seq] || '"}}',
            '{{"messageId":"m-' || seq || '","messageType":"Note","modeName":"macp.mode.decision.v1","payload":'
            '{{"encoding":"json","json":{{"text":"' || repeat('words ', 20) || '"}}}},"sender":"p' || seq % 20 || '"}}')
    FROM runs_run r, generate_series(1, {events}) AS seq""",
    """INSERT INTO runs_rawobservation (id, run_id, seq, created_at, kind, source_id, digest, body)
    SELECT gen_random_uuid(), r.id, seq, now(), 'stream-envelope', 'env:m-' || seq + 4, ''::bytea, 'raw'::bytea
    FROM runs_run r, generate_series(1, {events} - 4) AS seq""",
    """INSERT INTO runs_runtimesession (id, run_id, cursor) SELECT gen_random_uuid(), id, last_raw_seq FROM runs_run""",
    """INSERT INTO runs_projection (id, run_id, state, private, projected_seq, schema_version)
    SELECT gen_random_uuid(), id, '{{}}', '{{}}', 0, 3 FROM runs_run""",
    """ANALYZE""",
)


def main() -> None:
    """Prints one table, a line for each command and each shape of the database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="in all runs together (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=2_000, help="of the first database (default: %(default)s)")
    chosen = parser.parse_args()
    rows = [row for runs in (chosen.runs, 1) for row in measured(runs, chosen.events // runs)]
    print_table(rows, load_average())


def measured(runs: int, events: int) -> Iterator[dict[str, object]]:
    """How each command fares on so many runs of so many events."""
    with throwaway_database(durable=False) as database:
        progress(f"filling {runs} runs of {events} events")
        for statement in FILL:
            database.database.execute(statement.format(runs=runs, events=events).encode())
        for command in COMMANDS:
            progress(" ".join(command))
            yield {"runs x events": f"{runs} x {events}", **_timed(database, command, runs * events)}


def _timed(database: Stage, command: tuple[str, ...], events: int) -> dict[str, object]:
    environment = {**os.environ, "DATABASE_URL": database.dsn, "SIGNALBOX_PROCESS": "command"}
    began = time.monotonic()
    # One line a rebuilt run is of no interest here; what goes wrong is said on standard error.
    process = subprocess.Popen(
        [sys.executable, "manage.py", *command], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} exited with {process.returncode}")
    seconds = time.monotonic() - began
    return {
        "command": " ".join(command),
        "seconds": round(seconds, 1),
        "events/s": round(events / seconds),
        "CPU-s": round(usage.ru_utime + usage.ru_stime, 1),
        "MB": usage.ru_maxrss // 1024,
    }


if __name__ == "__main__":
    main()
