"""EndpointSecret: what the requests to an endpoint are signed with; sealed, shown once."""

from typing import Self

from django.db import models
from django.db.models.functions import Now

from runs.models.identity import uuid7
from webhooks.models.endpoint import Endpoint


class SecretQuerySet(models.QuerySet["EndpointSecret"]):
    """Reads of secrets."""

    def living(self) -> Self:
        """Those that are signed with, the present one first."""
        return self.filter(models.Q(expires_at=None) | models.Q(expires_at__gt=Now())).order_by(
            models.F("expires_at").desc(nulls_first=True)
        )


class EndpointSecret(models.Model):
    """One of at most two living secrets; the former one goes on signing beside the new one until it expires."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="secrets")
    sealed = models.TextField(help_text="AES-256-GCM; the endpoint's id is associated data")
    key_id = models.CharField(max_length=16, help_text="which key of the ring sealed it")
    hint = models.CharField(max_length=12, help_text="its last characters")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True, help_text="empty: the present one")

    objects = SecretQuerySet.as_manager()

    class Meta:
        constraints = [
            # One present secret: rotation expires it before it stores the next.
            models.UniqueConstraint(fields=["endpoint"], condition=models.Q(expires_at=None), name="secret_present"),
        ]

    def __str__(self) -> str:
        return f"…{self.hint}"
