"""A long history and a little present: what the statements of claims and sweeps have to find their rows in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs.ending.cleanup import claim_cleanups
from runs.models import Observer
from runs.models.identity import uuid7
from runs.observer import lease, orders, overdue
from runs.observer.abandoned import abandoned_cancels
from runs.observer.due import claim_due_runs
from tests.cast import queued_run

OPEN = 500
ME = uuid7()

_COLUMNS = """id, project_id, status, mode, mode_name, runtime_kind, session_id, session_opener, traceparent, request_digest,
    request, tags, metadata, last_seq, last_raw_seq, ending_seq, ended_at, late_count, lease_epoch, recovery_attempts,
    cleanup_errors, cleanup_attempts, cleanup_status, observer_id, hard_deadline, progress_deadline, created_at, updated_at"""

_RUNS = f"""
INSERT INTO runs_run ({_COLUMNS})
SELECT gen_random_uuid(), project_id, CASE WHEN n > %(open)s THEN 'completed' ELSE 'running' END, mode, mode_name,
    runtime_kind, 's-' || n, session_opener, '', '', '{{}}', tags, metadata, 9, 0, CASE WHEN n > %(open)s THEN 9 END,
    CASE WHEN n > %(open)s THEN now() END, 0, 1, 0, '[]', 0, CASE WHEN n > %(open)s THEN 'done' END,
    CASE n %% 3 WHEN 0 THEN NULL ELSE (SELECT id FROM runs_observer ORDER BY lost_at NULLS FIRST LIMIT 1) END,
    now() + CASE WHEN n > %(open)s THEN - interval '1 day' ELSE interval '1 hour' END,
    now() + interval '1 hour', created_at - n * interval '1 second', updated_at
FROM runs_run, generate_series(1, %(runs)s) AS n
"""
_OBSERVERS = """
INSERT INTO runs_observer (id, host, process_id, version, started_at, beat_at, lost_at)
SELECT gen_random_uuid(), 'host', n, '1', now(), now() - interval '1 day', now() FROM generate_series(1, %s) AS n
"""
# Ended runs whose messages and replies have had their fate for long, and a handful that wait.
_MESSAGES = """
INSERT INTO runs_outboundmessage (id, run_id, message_id, position, category, message_type, sender, recipients,
    payload_descriptor, status, reply_status, reply_deadline_at, attempt, created_at, updated_at)
SELECT gen_random_uuid(), id, gen_random_uuid(), 0, 'message', 'Note', 'lead', '{}', '{}',
    CASE WHEN ending_seq IS NULL THEN 'queued' ELSE 'accepted' END,
    CASE WHEN ending_seq IS NULL THEN 'pending' ELSE 'answered' END, now() - interval '1 hour', 1, now(), now()
FROM runs_run
"""


def fill(*, runs: int) -> None:
    """A database with `runs` runs, all but a few ended, one observer that lives, and statistics of it all."""
    Observer.objects.create(id=ME, host="host", process_id=1, version="1")
    queued_run()
    with connection.cursor() as cursor:
        cursor.execute(_OBSERVERS, [max(runs // 100, 1)])
        cursor.execute(_RUNS, {"runs": runs, "open": OPEN})
        cursor.execute(_MESSAGES)
        # What tests before have rolled back still lies in the indexes, and would make the planner think little of them.
        cursor.execute("REINDEX TABLE runs_run; REINDEX TABLE runs_observer; REINDEX TABLE runs_outboundmessage")
        cursor.execute("ANALYZE runs_run; ANALYZE runs_observer; ANALYZE runs_outboundmessage")


@dataclass(frozen=True, slots=True)
class Hot:
    """A statement that is issued again and again, and the index that keeps it from reading the history.

    `or_index` is another that is as good: which of the two is cheaper is the planner's to say.
    """

    issue: Callable[[], object]
    index: str
    or_index: str = "-"

    def is_served_by(self, plan: str) -> bool:
        return self.index in plan or self.or_index in plan


HOT: Mapping[str, Hot] = {
    "claim: runs nobody living owns": Hot(lambda: lease.claim(ME, 2_000), "runs_open"),
    "claim: one run alone": Hot(lambda: lease.claim(ME, 1, only=uuid7()), "runs_run_pkey"),
    "sweep: observers to declare lost": Hot(lease.declare_losses, "observers_living"),
    "sweep: runs past a deadline": Hot(claim_due_runs, "runs_open"),
    "sweep: clean-ups that are due": Hot(claim_cleanups, "runs_cleanup_due"),
    "sweep: replies that are overdue": Hot(lambda: overdue._found(overdue._DUE_REPLIES, [200]), "messages_reply_due"),
    "sweep: messages nobody took": Hot(lambda: overdue._found(overdue._UNCLAIMED, [30, 30, 200]), "messages_unsettled"),
    "sweep: cancels nobody carried out": Hot(abandoned_cancels, "runs_open"),
    "observer: the runs it owns": Hot(lambda: lease.owned_by(ME), "runs_open"),
    "observer: orders for its runs": Hot(
        lambda: orders.ordered_runs(ME), "messages_unsettled", or_index="messages_run_position"
    ),
}


def plan_of(read: Callable[[], object], *, options: str = "COSTS OFF") -> str:
    """The plan of the statement that `read` issues, as the planner makes it for just these values."""
    with CaptureQueriesContext(connection) as captured:
        read()
    (statement,) = [query["sql"] for query in captured.captured_queries if "runs_" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN ({options}) " + statement.replace("%", "%%"))
        return "\n".join(line for (line,) in cursor.fetchall())
