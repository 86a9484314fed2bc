"""ApiKey: what a program enters with; only its hash is kept."""

from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import Case, Q, Value, When
from django.db.models.functions import Now

from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID, Project

LONGEST_NAME = 100
LONGEST_ACTOR = 255
USE_NOTED_EVERY_S = 60

# Whoever changes the row at this moment, and whoever has just noted a use, is not waited for.
_NOTE_USE = """
UPDATE runs_apikey SET last_used_at = clock_timestamp()
 WHERE id IN (SELECT id FROM runs_apikey
               WHERE id = %s AND (last_used_at IS NULL OR last_used_at <= clock_timestamp() - make_interval(secs => %s))
                 FOR UPDATE SKIP LOCKED)
"""


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Keys, and which of them open anything."""

    def valid(self) -> "ApiKeyQuerySet":
        """Neither revoked nor expired, by the database's clock."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=Now()), revoked_at=None)

    def with_state(self) -> models.QuerySet[Any]:
        """Each with its `state` (active, expired or revoked), by the database's clock."""
        return self.annotate(
            state=Case(
                When(revoked_at__isnull=False, then=Value("revoked")),
                When(expires_at__lte=Now(), then=Value("expired")),
                default=Value("active"),
            )
        )

    def note_use(self, key_id: UUID) -> None:
        """It is known that the key was used now, give or take USE_NOTED_EVERY_S; waits for nobody."""
        with connection.cursor() as cursor:
            cursor.execute(_NOTE_USE, [key_id, USE_NOTED_EVERY_S])


class ApiKey(models.Model):
    """One key of one project with its scopes; the secret was shown once and is stored as SHA-256."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, default=DEFAULT_PROJECT_ID)
    name = models.CharField(max_length=LONGEST_NAME)
    prefix = models.CharField(max_length=20, unique=True)  # tells people which key it is; no part of its secret
    secret_sha256 = models.BinaryField(max_length=32, unique=True)  # found by hash at every request
    scopes = ArrayField(models.CharField(max_length=40))
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=LONGEST_ACTOR, blank=True, db_default="")
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)  # to the minute
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return self.name
