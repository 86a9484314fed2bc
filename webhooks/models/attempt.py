"""Attempt: one try to deliver, as it went. Written once, never changed."""

from django.db import models
from django.db.models.functions import Now

from runs.models.identity import uuid7
from webhooks.models.delivery import Delivery
from webhooks.models.endpoint import Endpoint


class Attempt(models.Model):
    """What was tried and what came back, without any secret."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="attempt_log", db_index=False)
    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="+", db_index=False)
    number = models.IntegerField()
    is_manual = models.BooleanField(db_default=False)
    started_at = models.DateTimeField()
    duration_ms = models.IntegerField()
    is_success = models.BooleanField()
    response_status = models.IntegerField(null=True, blank=True)
    # A word of runs.errors.NoAnswer, `address_refused`, `former_url` or `status`; empty for a success.
    reason = models.CharField(max_length=40, blank=True, db_default="")
    error_message = models.CharField(max_length=500, blank=True, db_default="")
    permanent = models.BooleanField(db_default=False, help_text="trying again is of no use")
    excerpt = models.TextField(blank=True, db_default="", help_text="the beginning of the answer, redacted")
    response_headers = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            # A delivery and its tries in their order; a result that is written twice is refused.
            models.UniqueConstraint(fields=["delivery", "number"], name="attempt_number"),
        ]
        indexes = [
            # The breaker and the health of an endpoint look at its newest.
            models.Index(fields=["endpoint", "-started_at"], name="attempt_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.number}"
