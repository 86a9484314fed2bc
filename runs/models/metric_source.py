"""MetricSource: one process that counts, how many of its reports are in the sums, and how its gauges stand."""

from uuid import UUID

from django.db import connection, models
from django.db.models.functions import Now

from runs.models.identity import uuid7

# A process that lives reports every ten seconds.
LIVING_SECONDS = 30
# Long after anybody could still send a report whose fate it does not know.
KEPT_SECONDS = 24 * 3600

# First in the transaction of a report, so that its row's lock lets the same report through once: a repeat waits for the
# attempt that may still be committing, and then finds its number taken.
_TAKE = """
INSERT INTO runs_metricsource AS s (id, process, host, process_id, reports, gauges, reported_at)
     VALUES (%s, %s, %s, %s, %s, %s, clock_timestamp())
ON CONFLICT (id) DO UPDATE SET reports = excluded.reports, gauges = excluded.gauges, reported_at = excluded.reported_at
      WHERE s.reports = excluded.reports - 1
RETURNING 1
"""
_LIVING = """
SELECT gauges FROM runs_metricsource WHERE reported_at > clock_timestamp() - make_interval(secs => %s)
"""
# Sweeps that meet leave each other's rows alone.
_PRUNE = """
DELETE FROM runs_metricsource
 WHERE id IN (SELECT id FROM runs_metricsource WHERE reported_at < statement_timestamp() - make_interval(secs => %s)
               ORDER BY reported_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""


class MetricSourceQuerySet(models.QuerySet["MetricSource"]):
    """Reports, each counted once."""

    def take_report(self, source: UUID, number: int, *, process: str, host: str, process_id: int, gauges: str) -> bool:
        """True if this is the first attempt at the report of this number to come through; its figures belong to it."""
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, [source, process[:40], host[:255], process_id, number, gauges])
            return cursor.fetchone() is not None

    def living_gauges(self) -> list[str]:
        """The gauges of every process that has reported lately."""
        with connection.cursor() as cursor:
            cursor.execute(_LIVING, [LIVING_SECONDS])
            return [gauges for (gauges,) in cursor.fetchall()]

    def prune(self, *, at_most: int) -> int:
        """Up to `at_most` processes that were last heard of long ago are forgotten, not what they counted; how many."""
        with connection.cursor() as cursor:
            cursor.execute(_PRUNE, [KEPT_SECONDS, at_most])
            return int(cursor.rowcount)


class MetricSource(models.Model):
    """One process start."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    process = models.CharField(max_length=40, help_text="web, observer, queue ...")
    host = models.CharField(max_length=255)
    process_id = models.IntegerField()
    reports = models.BigIntegerField(help_text="number of the last report that is in the sums")
    gauges = models.TextField(help_text="JSON")
    started_at = models.DateTimeField(db_default=Now())
    reported_at = models.DateTimeField(db_index=True)  # the living, and pruning

    objects = MetricSourceQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.process} {self.host}:{self.process_id}"
