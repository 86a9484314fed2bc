"""Metric: counters summed over all processes, for /metrics."""

from collections.abc import Mapping, Sequence

import orjson
from django.db import connection, models

from runs.models.identity import uuid7

_ADD = """
INSERT INTO runs_metric (id, name, labels, value) VALUES (%s, %s, %s, %s)
    ON CONFLICT (name, labels) DO UPDATE SET value = runs_metric.value + excluded.value
"""
# In the order of the unique index: two processes that add to the same counters at once wait, and block nobody for ever.
_ADD_ALL = """
INSERT INTO runs_metric (id, name, labels, value)
     SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::float8[]) AS added(id, name, labels, value)
      ORDER BY name, labels
    ON CONFLICT (name, labels) DO UPDATE SET value = runs_metric.value + excluded.value
"""


def label_text(labels: Mapping[str, object]) -> str:
    """Labels, or gauges, as a row keeps them."""
    return orjson.dumps(labels, option=orjson.OPT_SORT_KEYS).decode()


class MetricQuerySet(models.QuerySet["Metric"]):
    """Writes of counters."""

    def add(self, name: str, delta: float = 1, **labels: str) -> None:
        """The counter of this name and these labels has grown by `delta`, once the caller's transaction commits."""
        with connection.cursor() as cursor:
            cursor.execute(_ADD, [uuid7(), name, label_text(labels), delta])

    def add_all(self, counted: Sequence[tuple[str, str, float]]) -> None:
        """The counters, each named once by name and label text, have grown once the caller's transaction commits."""
        names, labels, deltas = (list(column) for column in zip(*counted, strict=True))
        with connection.cursor() as cursor:
            cursor.execute(_ADD_ALL, [[uuid7() for _ in counted], names, labels, deltas])


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
