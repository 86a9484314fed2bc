"""AuditEntry: who changed what, written in the transaction of the change; and what was refused."""

from django.db import models
from django.db.models.functions import Now

from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID, Project


class AuditEntry(models.Model):
    """One privileged change, or the refusal of one; it outlives what it speaks of. A trigger refuses to change it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, models.PROTECT, default=DEFAULT_PROJECT_ID, db_index=False)
    actor = models.CharField(max_length=255)
    actor_type = models.CharField(max_length=20)
    # Which key or user it was, as names may be given twice; with the address, what GET /audit leaves out.
    actor_id = models.CharField(max_length=100, blank=True, db_default="")
    address = models.CharField(max_length=100, blank=True, db_default="")
    action = models.CharField(max_length=60)
    resource = models.CharField(max_length=40)
    resource_id = models.CharField(max_length=255, null=True, blank=True)
    details = models.JSONField(default=dict, blank=True)
    request_id = models.CharField(max_length=128, null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [
            # GET /audit, newest first within a project.
            models.Index(fields=["project", "-created_at", "-id"], name="audit_newest"),
            # GET /audit?resourceId=... and the search of the admin: what was done to one run, endpoint or key.
            models.Index(fields=["resource_id", "-created_at"], name="audit_of_resource"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action}"
