"""What must hold of every run whatever happened to it; checked after every test that leaves runs behind."""

from uuid import UUID

from django.db import connection

from runs.models import Event
from runs.queries.invariants import run_pages, violations

# Until somebody fans it out, every event is in one outbox entry; nobody does in these tests.
_NOT_IN_THE_OUTBOX = """
SELECT r.id FROM runs_run r LEFT JOIN runs_outboxentry o ON o.run_id = r.id GROUP BY r.id, r.last_seq
HAVING coalesce(sum(o.to_seq - o.from_seq + 1), 0) <> r.last_seq"""


def assert_invariants() -> None:
    """Every run in the database keeps the invariants, and every stored projection equals the fold of its log."""
    for page in run_pages():
        broken = violations(page)
        assert not broken, "; ".join(f"{one.id} {one.words}: {one.run_id}" for one in broken[:3])
    with connection.cursor() as cursor:
        cursor.execute(_NOT_IN_THE_OUTBOX)
        missing = cursor.fetchall()
    assert not missing, f"I11 every event is in one outbox entry: {missing[:3]}"


def types_of(run_id: UUID) -> list[str]:
    """The types in a run's log, in order."""
    return list(Event.objects.filter(run_id=run_id).order_by("seq").values_list("type", flat=True))
