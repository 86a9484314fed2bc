"""OutboundMessage: what we send into a session, stored before it leaves, with its fate."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from runs.models.identity import uuid7
from runs.models.run import Run

STATUSES = ["queued", "sent", "accepted", "rejected", "failed"]
CATEGORIES = ["kickoff", "signal", "context_update", "message"]


class OutboundMessage(models.Model):
    """One message with its exact bytes until its fate is final. Retries reuse bytes and id."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(Run, models.CASCADE, related_name="messages", db_index=False)
    message_id = models.UUIDField(unique=True)  # the runtime's idempotency key; acks are matched by it
    position = models.IntegerField(help_text="order of sending within the run")
    category = models.CharField(max_length=20)
    kind = models.CharField(max_length=20, null=True, blank=True, help_text="of a kickoff: request, broadcast ...")
    message_type = models.TextField()
    sender = models.TextField()
    recipients = ArrayField(models.TextField(), default=list, blank=True)
    body = models.BinaryField(null=True)  # exact bytes; removed once the fate is final
    payload_descriptor = models.TextField(help_text="JSON, preview redacted")
    status = models.CharField(max_length=10, default="queued")
    ack = models.TextField(null=True, blank=True, help_text="the runtime's own answer, as JSON text")
    error_code = models.CharField(max_length=40, null=True, blank=True)
    error_message = models.TextField(null=True, blank=True)
    attempt = models.IntegerField(default=0)
    claimed_epoch = models.BigIntegerField(null=True, blank=True)
    reply_timeout_ms = models.IntegerField(null=True, blank=True)
    reply_deadline_at = models.DateTimeField(null=True, blank=True)
    reply_status = models.CharField(max_length=10, null=True, blank=True)
    reply_message_id = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            # The owner sends in this order; a kickoff is written once.
            models.UniqueConstraint(fields=["run", "position"], name="messages_run_position"),
            models.CheckConstraint(condition=models.Q(status__in=STATUSES), name="messages_known_status"),
            models.CheckConstraint(condition=models.Q(category__in=CATEGORIES), name="messages_known_category"),
        ]
        indexes = [
            # The owner's steering loop and the sweep: only what still needs sending or a fate.
            models.Index(
                fields=["run", "position"], condition=models.Q(status__in=["queued", "sent"]), name="messages_unsettled"
            ),
            # The sweep: replies that are overdue.
            models.Index(
                fields=["reply_deadline_at"], condition=models.Q(reply_status="pending"), name="messages_reply_due"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_type} from {self.sender}"
