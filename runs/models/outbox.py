"""OutboxEntry: "run R moved from seq a to seq b; somebody outside may care". One per batch, in its transaction."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models.functions import Now

from runs.models.identity import uuid7
from runs.models.run import Run


class Moved(NamedTuple):
    """An entry as its readers need it."""

    id: UUID
    run_id: UUID
    from_seq: int
    to_seq: int
    types: list[str]


# The smallest numbers of a run are committed first, so nothing comes before a head any more. Whoever has locked it has
# the run's entries to himself: nobody looks behind a head that is locked.
_LOCK_HEADS = """
SELECT entry.run_id FROM runs_outboxentry entry WHERE entry.id IN (
    SELECT head.id FROM unnest(%s::uuid[]) AS run (id) CROSS JOIN LATERAL (
        SELECT id FROM runs_outboxentry WHERE run_id = run.id ORDER BY from_seq LIMIT 1) head)
   FOR UPDATE OF entry SKIP LOCKED
"""
_TAKE = """
WITH head AS (
    SELECT id FROM runs_outboxentry
     WHERE id = (SELECT id FROM runs_outboxentry WHERE run_id = %s ORDER BY from_seq LIMIT 1) FOR UPDATE SKIP LOCKED)
SELECT id, run_id, from_seq, to_seq, types FROM runs_outboxentry
 WHERE run_id = %s AND EXISTS (SELECT FROM head) ORDER BY from_seq LIMIT %s
"""
_FIRST = """
SELECT entry.* FROM unnest(%s::uuid[]) AS run (id) CROSS JOIN LATERAL (
    SELECT id, run_id, from_seq, to_seq, types FROM runs_outboxentry
     WHERE run_id = run.id ORDER BY from_seq LIMIT %s) entry
 ORDER BY entry.run_id, entry.from_seq
"""


class OutboxQuerySet(models.QuerySet["OutboxEntry"]):
    """What is left to be fanned out, and who is at it. Entries of one run are taken in order, by one at a time."""

    def page(self, *, after: UUID, limit: int) -> list[tuple[UUID, UUID]]:
        """The next entries behind the id `after`, with their runs: nearly the oldest first, as hosts' clocks go."""
        found = self.filter(id__gt=after).order_by("id").values_list("id", "run_id")[:limit]
        return list(found)

    def lock_heads(self, run_ids: Sequence[UUID]) -> list[UUID]:
        """Those of these runs whose first entry is now ours until the transaction ends; not those that others are at."""
        with connection.cursor() as cursor:
            cursor.execute(_LOCK_HEADS, [list(run_ids)])
            return [run_id for (run_id,) in cursor.fetchall()]

    def take(self, run_id: UUID, *, limit: int) -> list[Moved]:
        """Up to `limit` entries of the run, its first ones, ours until the transaction ends; none if others are at them."""
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, [run_id, run_id, limit])
            return [Moved._make(row) for row in cursor.fetchall()]

    def lock_all_of(self, run_id: UUID) -> None:
        """All entries of the run are ours until the transaction ends; whoever is at them is waited for."""
        list(self.select_for_update().filter(run_id=run_id).order_by("from_seq").values_list("id"))

    def first_of(self, run_ids: Sequence[UUID], *, each: int) -> list[Moved]:
        """Up to `each` entries of every one of these runs, its first ones, in order."""
        with connection.cursor() as cursor:
            cursor.execute(_FIRST, [list(run_ids), each])
            return [Moved._make(row) for row in cursor.fetchall()]

    def remove(self, entry_ids: Collection[UUID]) -> None:
        """These entries are done with."""
        if entry_ids:
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM runs_outboxentry WHERE id = ANY(%s)", [list(entry_ids)])


class OutboxEntry(models.Model):
    """Stays until it is fanned out, so nothing can be skipped, whatever the order of commits."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(Run, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    from_seq = models.BigIntegerField()
    to_seq = models.BigIntegerField()
    types = ArrayField(models.TextField())
    created_at = models.DateTimeField(db_default=Now())

    objects = OutboxQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "outbox entries"
        constraints = [
            # The fan-out claims one run's entries in order.
            models.UniqueConstraint(fields=["run", "from_seq"], name="outbox_run_order"),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.from_seq}..{self.to_seq}"
