"""RateWindow: how many requests of one caller to one route were given out in the present window, to all processes."""

from dataclasses import dataclass

from django.db import connection, models

from runs.models.identity import uuid7

# A slice for one process, by one statement: as many requests as it wants, but no more than a quarter of what is left, so
# that slices shrink to single requests before the limit. `statement_timestamp` stands still within the statement: whoever
# waited for the row and finds it renewed takes from the new window. A window that is over is begun anew in its row.
_RESERVE = """
INSERT INTO runs_ratewindow AS w (id, caller, route, given, slice, ends_at)
     VALUES (%(id)s, %(caller)s, %(route)s, LEAST(%(wanted)s, %(limit)s), LEAST(%(wanted)s, %(limit)s),
             statement_timestamp() + make_interval(secs => %(seconds)s))
ON CONFLICT (caller, route) DO UPDATE SET (given, slice, ends_at) = (
     SELECT CASE WHEN is_over THEN 0 ELSE w.given END + part, part, CASE WHEN is_over THEN excluded.ends_at ELSE w.ends_at END
       FROM (SELECT w.ends_at <= statement_timestamp() AS is_over) AS seen,
            LATERAL (SELECT CASE WHEN is_over THEN excluded.slice
                                 ELSE GREATEST(0, LEAST(%(wanted)s, GREATEST(1, (%(limit)s - w.given) / 4),
                                                        %(limit)s - w.given)) END AS part) AS cut)
RETURNING slice, given, extract(epoch FROM ends_at - statement_timestamp())::float8
"""
# Sweeps that meet leave each other's rows alone.
_PRUNE = """
DELETE FROM runs_ratewindow
 WHERE id IN (SELECT id FROM runs_ratewindow WHERE ends_at <= statement_timestamp()
               ORDER BY ends_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class Reserved:
    """A slice of a window: requests its holder may admit, those left to others, and the seconds until the window is over."""

    requests: int
    left: int
    seconds: float


class RateWindowQuerySet(models.QuerySet["RateWindow"]):
    """Windows, reserved from and cleared away by one statement each."""

    def reserve(self, caller: str, route: str, *, wanted: int, limit: int, seconds: float) -> Reserved:
        """Up to `wanted` requests are the caller's of this process alone; all slices of a window are at most `limit`."""
        with connection.cursor() as cursor:
            cursor.execute(
                _RESERVE,
                {
                    "id": uuid7(),
                    "caller": caller,
                    "route": route,
                    "wanted": wanted,
                    "limit": limit,
                    "seconds": seconds,
                },
            )
            requests, taken, left_s = cursor.fetchone()
        return Reserved(requests, max(0, limit - taken), left_s)

    def prune(self, *, at_most: int) -> int:
        """Up to `at_most` windows that are over are gone; returns how many."""
        with connection.cursor() as cursor:
            cursor.execute(_PRUNE, [at_most])
            return int(cursor.rowcount)


class RateWindow(models.Model):
    """One caller's requests to one route, counted across processes; a row per pair, used again window after window."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    caller = models.CharField(max_length=255, help_text="the id of a key or user, or an address; no part of a key")
    route = models.CharField(max_length=255, help_text="method and template of the path")
    given = models.IntegerField(help_text="requests in all slices of this window")
    slice = models.IntegerField(help_text="the last of them")
    ends_at = models.DateTimeField(db_index=True)  # pruning

    objects = RateWindowQuerySet.as_manager()

    class Meta:
        constraints = [
            # Reserving is one upsert.
            models.UniqueConstraint(fields=["caller", "route"], name="ratewindows_caller_route"),
        ]

    def __str__(self) -> str:
        return f"{self.route} of {self.caller}"
