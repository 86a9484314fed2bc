"""Notice: what operators are told about an endpoint, by another way than the endpoint itself."""

from django.db import models
from django.db.models.functions import Now

from runs.models.identity import uuid7
from runs.models.project import Project
from webhooks.models.endpoint import Endpoint


class NoticeKind(models.TextChoices):
    """`silent` says that an endpoint which hears nothing at present misses endings."""

    FAILING = "endpoint.failing"
    RECOVERED = "endpoint.recovered"
    DISABLED = "endpoint.disabled"
    SILENT = "endpoint.silent"


class Notice(models.Model):
    """One thing that operators should know; also in the log, and mailed where mail is configured."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, db_index=False)
    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=20, choices=NoticeKind.choices)
    message = models.CharField(max_length=500)
    details = models.JSONField(default=dict, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.endpoint_id}"
