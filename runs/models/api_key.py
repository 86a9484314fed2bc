"""ApiKey: what a program enters with; only its hash is kept."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID, Project


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Keys, and which of them open anything."""

    def valid(self) -> "ApiKeyQuerySet":
        """Neither revoked nor expired, by the database's clock."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=Now()), revoked_at=None)


class ApiKey(models.Model):
    """One key of one project with its scopes; the secret was shown once and is stored as SHA-256."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, default=DEFAULT_PROJECT_ID)
    name = models.CharField(max_length=100)
    secret_sha256 = models.BinaryField(max_length=32, unique=True)  # found by hash at every request
    scopes = ArrayField(models.CharField(max_length=40))
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
