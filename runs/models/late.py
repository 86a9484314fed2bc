"""LateObservation: what arrived after the ending, or under a known source id with other content."""

from django.db import models
from django.db.models.functions import Now

from runs.models.identity import uuid7
from runs.models.run import Run


class LateObservation(models.Model):
    """Kept apart and counted; never part of the log, never merged."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(Run, models.CASCADE, related_name="late_observations", db_index=False)
    received_at = models.DateTimeField(db_default=Now())
    reason = models.CharField(max_length=20, help_text="after_ending or conflict")
    kind = models.CharField(max_length=20)
    source_id = models.TextField(null=True, blank=True)
    digest = models.BinaryField(max_length=32, null=True)
    body = models.BinaryField()

    class Meta:
        indexes = [
            # GET /runs/{id}/late, oldest first.
            models.Index(fields=["run", "received_at", "id"], name="late_run_order"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(reason__in=["after_ending", "conflict"]), name="late_reason"),
            # A runtime that repeats a late observation at every reconnect adds one row, not one each time.
            models.UniqueConstraint(
                fields=["run", "source_id", "digest"],
                condition=models.Q(source_id__isnull=False),
                name="late_once",
            ),
        ]

    def __str__(self) -> str:
        return f"late {self.kind} of {self.run_id}"
