"""Endpoint: who listens, to what, and how well that goes."""

from typing import Self
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from runs.errors import NotFound
from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID, Project


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    """Reads and locks of endpoints."""

    def of(self, project_id: UUID) -> Self:
        """Those of the project that are not deleted."""
        return self.filter(project_id=project_id, deleted_at=None)

    def lock(self, project_id: UUID, endpoint_id: UUID, *, from_new_deliveries: bool = False) -> "Endpoint":
        """The endpoint, locked until the transaction ends. Raises NotFound, also for one of another project.

        Whoever changes its deliveries, too, locks it first: so nobody waits for each other. Whoever makes it inactive locks
        it from new deliveries: those that are being written are there when it has the lock, and no others come.
        """
        locked = self.of(project_id).select_for_update(no_key=not from_new_deliveries)
        endpoint = locked.filter(id=endpoint_id).first()
        if endpoint is None:
            raise NotFound("there is no such webhook")
        return endpoint


class Endpoint(models.Model):
    """One listener of one project. It stays when it is deleted, without its secrets: its deliveries refer to it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, default=DEFAULT_PROJECT_ID)
    url = models.CharField(max_length=2000)
    description = models.CharField(max_length=500, blank=True, db_default="")

    # What it hears: names of event types and patterns (`run.*`); none means the six events of a run.
    events = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    # Filters: a run must have one of the tags, and each of the others that is set.
    tags = ArrayField(models.TextField(), default=list, blank=True)
    mode_name = models.CharField(max_length=255, blank=True, db_default="")
    environment = models.CharField(max_length=255, blank=True, db_default="")
    run_id = models.UUIDField(null=True, blank=True)

    # Headers of its own, as one sealed JSON object: their values may be secrets.
    headers_sealed = models.TextField(blank=True, db_default="")
    header_names = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    rate_per_second = models.FloatField(db_default=10.0)
    concurrency = models.IntegerField(null=True, blank=True, help_text="WEBHOOK_CONCURRENCY, if empty")

    active = models.BooleanField(db_default=True)
    paused_at = models.DateTimeField(null=True, blank=True, help_text="what comes meanwhile waits")
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(max_length=200, blank=True, db_default="")
    deleted_at = models.DateTimeField(null=True, blank=True)

    # How it goes: moved with the result of each attempt, in its transaction.
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_failure_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True, help_text="the first failure after the last success")
    failures = models.IntegerField(db_default=0, help_text="attempts that failed since the last success")
    # When it may be sent the next one: pace of `rate_per_second`, breaker.
    paced_until = models.DateTimeField(null=True, blank=True)
    broken_until = models.DateTimeField(
        null=True, blank=True, help_text="the breaker is open; then one attempt as a probe"
    )

    created_by = models.CharField(max_length=255, blank=True, db_default="")
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    objects = EndpointQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [
            # The fan-out and the drain ask for the few that are listened to.
            models.Index(fields=["project"], condition=models.Q(active=True, deleted_at=None), name="endpoint_active"),
        ]

    def __str__(self) -> str:
        # The host alone: path and query of many an address are what lets in.
        return urlsplit(self.url).hostname or str(self.id)
