"""The hot reads use the indexes that were made for them."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs import queries
from runs.models import Run
from runs.models.project import DEFAULT_PROJECT_ID
from runs.queries import AuditFilter, EventFilter, FeedFilter, Position, RunFilter
from runs.queries.invariants import BROKEN
from runs.queries.pages import run_pages
from runs.queries.summaries import horizon, moved_runs, newest_summaries, summaries_of
from tests.cast import queued_run

pytestmark = [pytest.mark.django_db, pytest.mark.handmade_rows("thousands of rows for the planner alone, without logs")]

MANY_RUNS = """
INSERT INTO runs_run (id, project_id, status, mode, mode_name, runtime_kind, session_id, session_opener, traceparent,
    request_digest, request, tags, metadata, last_seq, last_raw_seq, late_count, lease_epoch, recovery_attempts,
    cleanup_errors, cleanup_attempts, created_at, updated_at)
SELECT gen_random_uuid(), project_id, status, mode, mode_name, runtime_kind, 's-' || n, session_opener, '', '', '{}',
    tags, metadata, 0, 0, 0, 0, 0, '[]', 0, created_at - n * interval '1 minute', updated_at
FROM runs_run, generate_series(1, 3000) AS n
"""
MANY_EVENTS = """
INSERT INTO runs_event (id, run_id, project_id, seq, ts, created_at, type, source_kind, source_name, lease_epoch, data)
SELECT gen_random_uuid(), run.id, run.project_id, seq, now(), now(), 'message.received', 'runtime', 'r', 0, '{}'
FROM (SELECT id, project_id FROM runs_run WHERE last_seq = 0 LIMIT 100) AS run, generate_series(2, 200) AS seq
"""

MANY_OBSERVATIONS = """
INSERT INTO runs_rawobservation (id, run_id, seq, created_at, kind, source_id, body)
SELECT gen_random_uuid(), run_id, seq, now(), 'stream-envelope', 'env:' || seq, '' FROM runs_event WHERE seq > 1
"""
MANY_MESSAGES = """
INSERT INTO runs_outboundmessage (id, run_id, message_id, position, category, message_type, sender, recipients,
    payload_descriptor, status, attempt, created_at, updated_at)
SELECT gen_random_uuid(), run.id, gen_random_uuid(), n, 'message', 'Note', 'a', '{}', '{}', 'sent', 0, now(), now()
FROM runs_run AS run, generate_series(1, 5) AS n
"""
# Spread over all the runs: of few runs a page of fifty could be half of all rows, and reading them all the better plan.
MANY_LATE = """
INSERT INTO runs_lateobservation (id, run_id, received_at, reason, kind, source_id, digest, body)
SELECT gen_random_uuid(), run.id, now(), 'conflict', 'stream-envelope', 'env:' || n, 'x', ''
FROM runs_run AS run, generate_series(1, 5) AS n
"""


MORE_LATE = """
INSERT INTO runs_lateobservation (id, run_id, received_at, reason, kind, source_id, digest, body)
SELECT gen_random_uuid(), %s, now(), 'conflict', 'stream-envelope', 'env:' || n, 'x', ''
FROM generate_series(6, 500) AS n
"""


MANY_AUDITS = """
INSERT INTO runs_auditentry (id, project_id, actor, actor_type, action, resource, resource_id, details, created_at)
SELECT gen_random_uuid(), project_id, 'k', 'api_key', 'run.archived', 'run', id::text, '{}', created_at FROM runs_run
"""


@pytest.fixture
def crowded() -> Run:
    """One run among thousands, in a database that has looked at its tables."""
    run = queued_run()
    with connection.cursor() as cursor:
        cursor.execute(MANY_RUNS)
        cursor.execute(MANY_EVENTS)
        cursor.execute(MANY_OBSERVATIONS)
        cursor.execute(MANY_MESSAGES)
        cursor.execute(MANY_LATE)
        cursor.execute(MORE_LATE, [run.id])
        cursor.execute(MANY_AUDITS)
        cursor.execute(
            "ANALYZE runs_auditentry, runs_run, runs_event, runs_rawobservation, runs_outboundmessage, runs_lateobservation"
        )
    return run


def plan_of(read: Callable[[], object]) -> str:
    """The plan of the one statement that `read` issues."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        read()
    (query,) = captured.captured_queries
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + query["sql"].replace("%", "%%"))
        return "\n".join(line for (line,) in cursor.fetchall())


def test_the_newest_runs_come_from_their_index(crowded: Run) -> None:
    plan = plan_of(lambda: queries.list_runs(DEFAULT_PROJECT_ID, RunFilter()))

    assert "runs_newest" in plan
    assert "Sort" not in plan


@pytest.mark.parametrize("wanted", [EventFilter(), EventFilter(types=("run.created",))])
def test_events_of_a_run_come_from_their_numbering(crowded: Run, wanted: EventFilter) -> None:
    run_id = Run.objects.filter(last_seq=0).values_list("id", flat=True).first()
    assert run_id is not None
    plan = plan_of(lambda: queries.filtered_events(DEFAULT_PROJECT_ID, run_id, wanted, after=3, limit=200))

    assert "events_run_seq" in plan
    assert "Seq Scan" not in plan


def test_a_state_is_one_statement(crowded: Run) -> None:
    assert "Index Scan" in plan_of(lambda: queries.state_text(DEFAULT_PROJECT_ID, crowded.id))


def test_late_data_of_a_run_come_from_their_order(crowded: Run) -> None:
    plan = plan_of(lambda: queries.late_of(DEFAULT_PROJECT_ID, crowded.id, limit=20, offset=0))

    assert "late_run_order" in plan
    assert "Sort" not in plan


def test_no_invariant_needs_to_read_a_whole_table_of_a_log(crowded: Run) -> None:
    page = next(run_pages())
    plans = {}
    with connection.cursor() as cursor:
        # Of a few thousand rows reading them all may be the better plan; a plan without it must exist.
        cursor.execute("SET LOCAL enable_seqscan = off")
        for invariant, query in BROKEN.items():
            cursor.execute("EXPLAIN " + query, {"runs": page})
            plans[invariant] = "\n".join(line for (line,) in cursor.fetchall())

    tables = ("runs_event", "runs_rawobservation", "runs_outboundmessage", "runs_lateobservation")
    assert not [one.words for one, plan in plans.items() for table in tables if f"Seq Scan on {table}" in plan]


@pytest.mark.parametrize(
    "wanted", [FeedFilter(events=EventFilter()), FeedFilter(events=EventFilter(types=("message.received",)))]
)
def test_a_page_of_the_feed_begins_in_its_index_where_the_last_one_ended(crowded: Run, wanted: FeedFilter) -> None:
    before = horizon().at
    behind = Position(before - timedelta(days=1), crowded.id, 1)
    for after in (None, behind):
        plan = plan_of(partial(queries.feed_page, DEFAULT_PROJECT_ID, wanted, after=after, before=before, limit=501))
        assert "events_feed" in plan
        assert not [slow for slow in ("Seq Scan", "Sort") if slow in plan]
    (begins,) = [line for line in plan.splitlines() if "Index Cond" in line]
    assert "ROW(ts, run_id, seq) > ROW(" in begins


def test_the_feed_is_counted_in_its_index(crowded: Run) -> None:
    wanted, before = FeedFilter(events=EventFilter(after_ts=horizon().at)), horizon().at
    plan = plan_of(lambda: queries.count_feed(DEFAULT_PROJECT_ID, wanted, before=before))
    assert "events_feed" in plan
    assert "Seq Scan" not in plan


def test_the_newest_audit_entries_come_from_their_index(crowded: Run) -> None:
    plan = plan_of(lambda: queries.list_audit(DEFAULT_PROJECT_ID, AuditFilter(), limit=50, offset=0))
    assert "audit_newest" in plan
    assert "Sort" not in plan


def test_no_two_indexes_are_over_the_same_columns_e02() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(indexrelid::regclass::text) FROM pg_index WHERE indrelid::regclass::text LIKE 'runs_%'"
            " GROUP BY indrelid, indkey::text, indclass::text, indpred::text, indexprs::text HAVING count(*) > 1"
        )
        assert cursor.fetchall() == []


def test_runs_that_moved_come_from_two_indexes_by_time(crowded: Run) -> None:
    since = horizon().at
    plan = plan_of(lambda: moved_runs([DEFAULT_PROJECT_ID], since))

    assert "events_feed" in plan
    assert "audit_newest" in plan
    assert "Seq Scan" not in plan


def test_summaries_of_what_moved_come_from_the_primary_key(crowded: Run) -> None:
    ids = list(Run.objects.values_list("id", flat=True)[:20])
    plan = plan_of(lambda: summaries_of(ids))

    assert "runs_run_pkey" in plan
    assert "Seq Scan" not in plan


def test_the_first_list_comes_from_the_newest(crowded: Run) -> None:
    with CaptureQueriesContext(connection) as captured:
        newest_summaries(DEFAULT_PROJECT_ID, RunFilter(), limit=50)
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + captured.captured_queries[0]["sql"].replace("%", "%%"))
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "runs_newest" in plan
    assert "Sort" not in plan
