"""Artifact: something a run made or refers to."""

from django.db import models
from django.db.models.functions import Now

from runs.models.identity import uuid7
from runs.models.run import Run


class Artifact(models.Model):
    """A named thing of a run, kept inline as JSON or named by an address."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(Run, models.CASCADE, related_name="artifacts", db_index=False)
    kind = models.CharField(max_length=40)
    label = models.CharField(max_length=255)
    uri = models.TextField(null=True, blank=True)
    inline = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            # GET /runs/{id}/artifacts, oldest first.
            models.Index(fields=["run", "created_at", "id"], name="artifacts_run_order"),
        ]

    def __str__(self) -> str:
        return self.label
