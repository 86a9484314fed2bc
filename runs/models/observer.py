"""Observer: one process that watches runs, and when it was last seen alive."""

from django.db import models
from django.db.models.functions import Now

from runs.models.identity import uuid7


class Observer(models.Model):
    """One process start: the id is new each time and never reused, so an old owner can never come back to life."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    host = models.CharField(max_length=255)
    process_id = models.IntegerField()
    version = models.CharField(max_length=40)
    started_at = models.DateTimeField(db_default=Now())
    beat_at = models.DateTimeField(db_default=Now())
    lost_at = models.DateTimeField(null=True, blank=True, help_text="set once the beat is too old, or at a clean stop")

    class Meta:
        indexes = [
            # The sweep that declares losses, and /readyz: only the living.
            models.Index(fields=["beat_at"], condition=models.Q(lost_at=None), name="observers_living"),
        ]

    def __str__(self) -> str:
        return f"{self.host}:{self.process_id}"
