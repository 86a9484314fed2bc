"""BreakerChange: a circuit breaker of some process moved, or somebody reset them all. Kept for a week."""

from django.db import connection, models
from django.db.models.functions import Now

from runs.models.identity import uuid7

KEPT_DAYS = 7

# Sweeps that meet leave each other's rows alone.
_PRUNE = """
DELETE FROM runs_breakerchange
 WHERE id IN (SELECT id FROM runs_breakerchange WHERE entered_at <= statement_timestamp() - make_interval(days => %s)
               ORDER BY entered_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""
# By how long ago, not by the clock of whoever asks.
_RESET_SINCE = """
SELECT EXISTS (SELECT 1 FROM runs_breakerchange WHERE kind = %s AND is_reset
                  AND entered_at > clock_timestamp() - make_interval(secs => %s))
"""


class BreakerChangeQuerySet(models.QuerySet["BreakerChange"]):
    """Changes of breakers, of all processes."""

    def reset_within(self, kind: str, seconds: float) -> bool:
        """True if somebody has reset the breakers of `kind` within the last `seconds`."""
        with connection.cursor() as cursor:
            cursor.execute(_RESET_SINCE, [kind, seconds])
            found = cursor.fetchone()
        return bool(found and found[0])

    def prune(self, *, at_most: int) -> int:
        """Up to `at_most` changes that are too old are gone; returns how many."""
        with connection.cursor() as cursor:
            cursor.execute(_PRUNE, [KEPT_DAYS, at_most])
            return int(cursor.rowcount)


class BreakerChange(models.Model):
    """Each process has a breaker of its own for each kind of runtime; a reset is one for all of them."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)  # in the order of the process's changes
    kind = models.CharField(max_length=20)
    state = models.CharField(max_length=10, help_text="CLOSED, OPEN or HALF_OPEN")
    reason = models.TextField(blank=True, default="")
    observer_id = models.UUIDField(null=True, blank=True, help_text="whose breaker it is; empty for a web process")
    is_reset = models.BooleanField(default=False, help_text="somebody closed the breakers of all processes")
    entered_at = models.DateTimeField(db_default=Now())

    objects = BreakerChangeQuerySet.as_manager()

    class Meta:
        indexes = [
            # The history of a kind, and whether it was reset lately.
            models.Index(fields=["kind", "-entered_at"], name="breaker_changes_newest"),
            # Pruning.
            models.Index(fields=["entered_at"], name="breaker_changes_oldest"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["CLOSED", "OPEN", "HALF_OPEN"]), name="breaker_changes_known_state"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"
