"""Metric: counters summed over all processes, for /metrics."""

from django.db import models

from runs.models.identity import uuid7


class Metric(models.Model):
    """One counter with one set of labels; processes add their deltas."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=100)
    labels = models.CharField(max_length=500, help_text="JSON with sorted keys")
    value = models.FloatField(default=0)

    class Meta:
        constraints = [
            # Adding a delta is one upsert.
            models.UniqueConstraint(fields=["name", "labels"], name="metrics_name_labels"),
        ]

    def __str__(self) -> str:
        return f"{self.name}{self.labels}"
