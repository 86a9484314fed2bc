"""Metric: counters summed over all processes, for /metrics."""

import orjson
from django.db import connection, models

from runs.models.identity import uuid7

_ADD = """
INSERT INTO runs_metric (id, name, labels, value) VALUES (%s, %s, %s, %s)
    ON CONFLICT (name, labels) DO UPDATE SET value = runs_metric.value + excluded.value
"""


class MetricQuerySet(models.QuerySet["Metric"]):
    """Writes of counters."""

    def add(self, name: str, delta: float = 1, **labels: str) -> None:
        """The counter of this name and these labels has grown by `delta`, once the caller's transaction commits."""
        with connection.cursor() as cursor:
            cursor.execute(_ADD, [uuid7(), name, orjson.dumps(labels, option=orjson.OPT_SORT_KEYS).decode(), delta])


class Metric(models.Model):
    """One counter with one set of labels; processes add their deltas."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=100)
    labels = models.CharField(max_length=500, help_text="JSON with sorted keys")
    value = models.FloatField(default=0)

    objects = MetricQuerySet.as_manager()

    class Meta:
        constraints = [
            # Adding a delta is one upsert.
            models.UniqueConstraint(fields=["name", "labels"], name="metrics_name_labels"),
        ]

    def __str__(self) -> str:
        return f"{self.name}{self.labels}"
