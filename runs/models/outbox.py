"""OutboxEntry: "run R moved from seq a to seq b; somebody outside may care". One per batch, in its transaction."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from runs.models.identity import uuid7
from runs.models.run import Run


class OutboxEntry(models.Model):
    """Stays until it is fanned out, so nothing can be skipped, whatever the order of commits."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(Run, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    from_seq = models.BigIntegerField()
    to_seq = models.BigIntegerField()
    types = ArrayField(models.TextField())
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "outbox entries"
        constraints = [
            # The fan-out claims one run's entries in order.
            models.UniqueConstraint(fields=["run", "from_seq"], name="outbox_run_order"),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.from_seq}..{self.to_seq}"
