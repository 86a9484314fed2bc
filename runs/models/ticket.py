"""Ticket: a one-time right to open a stream, for clients that cannot send headers."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID, Project
from runs.models.run import Run


class Ticket(models.Model):
    """Valid once and for seconds; only its hash is kept. Without a run it opens the summary stream."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, default=DEFAULT_PROJECT_ID, db_index=False)
    run = models.ForeignKey(Run, models.CASCADE, null=True, blank=True, db_index=False)
    secret_sha256 = models.BinaryField(max_length=32, unique=True)  # found by hash when a stream opens
    holder = models.CharField(max_length=255, help_text="the caller it was made for")
    scopes = ArrayField(models.CharField(max_length=40))
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(db_index=True)  # pruning
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"ticket of {self.holder}"
