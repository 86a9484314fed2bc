"""What must hold of every run whatever happened to it; each run-writing test ends with this."""

from uuid import UUID

from django.db import connection

from runs.domain.projection import dump, empty, fold
from runs.models import Event, Run
from runs.queries import iterate_events

_BROKEN = {
    "I1 numbering is dense": """
        SELECT r.id FROM runs_run r LEFT JOIN runs_event e ON e.run_id = r.id GROUP BY r.id, r.last_seq
        HAVING count(e.id) <> r.last_seq OR coalesce(max(e.seq), 0) <> r.last_seq""",
    "I1 raw numbering is dense": """
        SELECT r.id FROM runs_run r LEFT JOIN runs_rawobservation e ON e.run_id = r.id GROUP BY r.id, r.last_raw_seq
        HAVING count(e.id) <> r.last_raw_seq OR coalesce(max(e.seq), 0) <> r.last_raw_seq""",
    "I2 one ending, and it is last": """
        SELECT r.id FROM runs_run r LEFT JOIN runs_event e
            ON e.run_id = r.id AND e.type IN ('run.completed', 'run.failed', 'run.cancelled')
        GROUP BY r.id, r.ending_seq, r.status, r.last_seq
        HAVING count(e.id) <> (r.ending_seq IS NOT NULL)::int
            OR (r.ending_seq IS NOT NULL AND (max(e.seq) <> r.last_seq OR max(e.type) <> 'run.' || r.status))""",
    "I5 epochs never go back": """
        SELECT run_id FROM (SELECT run_id, lease_epoch,
            lag(lease_epoch) OVER (PARTITION BY run_id ORDER BY seq) AS before FROM runs_event) AS e
        WHERE before > lease_epoch""",
    "I7 projected up to the last event": """
        SELECT r.id FROM runs_run r JOIN runs_projection p ON p.run_id = r.id WHERE p.projected_seq <> r.last_seq""",
    "I8 the cursor counts recorded envelopes": """
        SELECT s.run_id FROM runs_runtimesession s LEFT JOIN runs_rawobservation o
            ON o.run_id = s.run_id AND o.kind = 'stream-envelope'
        GROUP BY s.run_id, s.cursor HAVING count(o.id) <> s.cursor""",
    "I11 every event is in one outbox entry": """
        SELECT r.id FROM runs_run r LEFT JOIN runs_outboxentry o ON o.run_id = r.id GROUP BY r.id, r.last_seq
        HAVING coalesce(sum(o.to_seq - o.from_seq + 1), 0) <> r.last_seq""",
}


def assert_invariants() -> None:
    """Every run in the database keeps the invariants, and every stored projection equals the fold of its log."""
    with connection.cursor() as cursor:
        for name, query in _BROKEN.items():
            cursor.execute(query)
            broken = cursor.fetchall()
            assert not broken, f"{name}: {broken[:3]}"
    for run in Run.objects.select_related("projection"):
        assert_projection_equals_fold(run)


def assert_projection_equals_fold(run: Run) -> None:
    """The stored projection is, byte for byte, the fold of all stored events."""
    public, private = dump(fold(empty(str(run.id)), iterate_events(run.id)))
    assert run.projection.state == public.decode()
    assert run.projection.private == private.decode()


def types_of(run_id: UUID) -> list[str]:
    """The types in a run's log, in order."""
    return list(Event.objects.filter(run_id=run_id).order_by("seq").values_list("type", flat=True))
