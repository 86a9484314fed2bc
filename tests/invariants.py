"""What must hold of every run whatever happened to it. Checked after every test that may touch the database.

What `manage.py check_invariants` asks of any database, and what can be asked only here, where nobody prunes.
"""

from uuid import UUID

from django.db import connection

from runs.models import Event, Run
from runs.queries.drift import compared
from runs.queries.invariants import Invariant, Violation, broken_in, lost_guards
from runs.queries.snapshot import snapshot

_BROKEN_IN_TESTS = {
    Invariant("I8", "the cursor counts exactly the recorded envelopes"): """
        SELECT s.run_id FROM runs_runtimesession s LEFT JOIN runs_rawobservation o
            ON o.run_id = s.run_id AND o.kind = 'stream-envelope'
        GROUP BY s.run_id, s.cursor HAVING count(o.id) <> s.cursor""",
    Invariant("I11", "a delivery is of an event of its project's, under a name that the event has"): """
        SELECT d.run_id FROM webhooks_delivery d JOIN runs_run r ON r.id = d.run_id
          JOIN webhooks_endpoint w ON w.id = d.endpoint_id
          LEFT JOIN runs_event e ON e.id = d.event_id AND e.run_id = d.run_id AND e.seq = d.seq
         WHERE e.id IS NULL OR r.project_id <> d.project_id OR w.project_id <> d.project_id
            OR e.type = 'run.started' OR d.event_type NOT IN (e.type, 'run.started')""",
    Invariant("I11", "no run has two events under the name run.started"): """
        SELECT d.run_id FROM webhooks_delivery d JOIN runs_run r ON r.id = d.run_id
         WHERE d.event_type = 'run.started' GROUP BY d.run_id HAVING count(DISTINCT d.event_id) > 1""",
}
# Where nobody reads the outbox. What is left of one that is read has no hole either: `check_invariants` asks that.
_BROKEN_WHERE_NOBODY_FANS_OUT = {
    Invariant("I11", "every event is in one outbox entry"): """
        SELECT r.id FROM runs_run r LEFT JOIN runs_outboxentry o ON o.run_id = r.id GROUP BY r.id, r.last_seq
        HAVING coalesce(sum(o.to_seq - o.from_seq + 1), 0) <> r.last_seq""",
}


def assert_invariants(*, outbox_is_read: bool = False) -> None:
    """Every run in the database keeps the invariants, and every stored projection equals the fold of its log."""
    with snapshot():
        broken = violations(outbox_is_read=outbox_is_read)
    assert not broken, "\n".join(f"{one.invariant.id} {one.invariant.words}: {one.by}" for one in broken[:10])


def violations(*, outbox_is_read: bool = False) -> list[Violation]:
    """Whatever is broken in the whole database."""
    queries = _BROKEN_IN_TESTS if outbox_is_read else {**_BROKEN_IN_TESTS, **_BROKEN_WHERE_NOBODY_FANS_OUT}
    runs = list(Run.objects.values_list("id", flat=True))
    # Most tests of pages and requests have no run; to ask about none takes a tenth of such a test.
    broken = [*lost_guards(), *(broken_in(runs) if runs else [])]
    with connection.cursor() as cursor:
        for invariant, query in queries.items():
            cursor.execute(query)
            broken += [Violation(invariant, str(run_id)) for (run_id,) in cursor.fetchall()]
    return broken


def assert_projection_equals_fold(run: Run) -> None:
    """The stored projection is, byte for byte, the fold of all stored events."""
    _, drift = compared(run.id)
    assert drift is None, drift


def types_of(run_id: UUID) -> list[str]:
    """The types in a run's log, in order."""
    return list(Event.objects.filter(run_id=run_id).order_by("seq").values_list("type", flat=True))
