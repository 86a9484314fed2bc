"""Ticket: a one-time right to open a stream, for clients that cannot send headers."""

import hashlib

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models.functions import Now

from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID, Project
from runs.models.run import Run

LONGEST_ORIGIN = 300

# One statement: of all who show a ticket at once, the row's lock lets one be the first.
_USE = """
UPDATE runs_ticket SET used_at = clock_timestamp()
 WHERE secret_sha256 = %s AND used_at IS NULL AND expires_at > clock_timestamp()
RETURNING *
"""
# Sweeps that meet leave each other's rows alone.
_PRUNE = """
DELETE FROM runs_ticket
 WHERE id IN (SELECT id FROM runs_ticket WHERE expires_at <= statement_timestamp()
               ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""


def digest_of(secret: str) -> bytes:
    """What is kept of a secret that was made at random, and what it is found by."""
    return hashlib.sha256(secret.encode()).digest()


class TicketQuerySet(models.QuerySet["Ticket"]):
    """Tickets, used up and cleared away by one statement each."""

    def use(self, secret: str) -> "Ticket | None":
        """The ticket with this secret, used up from now on; None if there is none, or it was used or has expired."""
        return next(iter(self.raw(_USE, [digest_of(secret)])), None)

    def prune(self, *, at_most: int) -> int:
        """Up to `at_most` expired tickets are gone; returns how many."""
        with connection.cursor() as cursor:
            cursor.execute(_PRUNE, [at_most])
            return int(cursor.rowcount)


class Ticket(models.Model):
    """Valid once and for seconds; only its hash is kept. Without a run it opens the summary stream."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, default=DEFAULT_PROJECT_ID, db_index=False)
    run = models.ForeignKey(Run, models.CASCADE, null=True, blank=True, db_index=False)
    secret_sha256 = models.BinaryField(max_length=32, unique=True)  # found by hash when a stream opens
    holder = models.CharField(max_length=255, help_text="the caller it was made for")
    # Names the key or session the caller showed: what the ticket opens is open no longer than that is valid.
    credential = models.CharField(max_length=200)
    origin = models.CharField(max_length=LONGEST_ORIGIN, null=True, help_text="of the page that asked for it")
    scopes = ArrayField(models.CharField(max_length=40))
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(db_index=True)  # pruning
    used_at = models.DateTimeField(null=True, blank=True)

    objects = TicketQuerySet.as_manager()

    def __str__(self) -> str:
        return f"ticket of {self.holder}"
