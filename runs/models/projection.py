"""Projection: the stored state of a run, always equal to the fold of its events."""

from django.db import models

from runs.models.identity import uuid7
from runs.models.run import Run


class Projection(models.Model):
    """State as JSON text: `state` is served as it is, `private` is what the next fold and normalisation need."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.OneToOneField(Run, models.CASCADE, related_name="projection")  # read with the lock, and by GET state
    state = models.TextField()
    private = models.TextField()
    projected_seq = models.BigIntegerField(default=0)
    schema_version = models.IntegerField()

    def __str__(self) -> str:
        return f"state of {self.run_id} at {self.projected_seq}"
