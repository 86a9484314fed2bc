"""Delivery: one event for one endpoint, until it has arrived or is given up."""

from django.db import models
from django.db.models.functions import Least, Now

from runs.models.identity import uuid7
from runs.models.project import Project
from webhooks.models.endpoint import Endpoint

# A hundred thousand in one statement take longer than statements may, and whoever waits for the endpoint's row meanwhile is
# the drain, with everybody else's deliveries.
CANCELLED_AT_ONCE = 2_000


class DeliveryStatus(models.TextChoices):
    """pending -> delivered | exhausted | cancelled; sending it again makes it pending."""

    PENDING = "pending"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    CANCELLED = "cancelled"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Changes of many deliveries at once, each in one statement."""

    def cancel_waiting(self) -> int:
        """What waited is cancelled, up to CANCELLED_AT_ONCE of it; how many that were. Drains cancel what is left.

        What is being sent may still arrive, and counts then. The plan of the schedule stays: whoever sends them again later
        takes it up where it was left.
        """
        some = self.filter(status=DeliveryStatus.PENDING).order_by("due_at").values("id")[:CANCELLED_AT_ONCE]
        waiting = Delivery.objects.filter(id__in=some)
        status = models.Case(
            models.When(delivered_at=None, then=models.Value(DeliveryStatus.CANCELLED)),
            default=models.Value(DeliveryStatus.DELIVERED),  # sent again after it had arrived: it still has
        )
        return waiting.update(status=status, resend_at=None, due_at=None)

    def send_again(self) -> int:
        """They are due now, as what somebody asked for; how many they are.

        The schedule goes on where it has something left to do, and is not planned anew where it was over.
        """
        unfinished = models.Q(status__in=(DeliveryStatus.PENDING, DeliveryStatus.CANCELLED))
        planned = models.Case(models.When(unfinished, then=models.F("next_attempt_at")), default=None)
        return self.update(
            status=DeliveryStatus.PENDING, next_attempt_at=planned, resend_at=Now(), due_at=Least(planned, Now())
        )


class Delivery(models.Model):
    """What is sent, when the next try is due and who is at it. It outlives the run that it speaks of."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, db_index=False)
    endpoint = models.ForeignKey(Endpoint, models.CASCADE, db_index=False)
    event_type = models.CharField(max_length=80)
    event_id = models.UUIDField()
    run_id = models.UUIDField(null=True, blank=True)  # no foreign key: the run may be deleted; none: a test event
    seq = models.BigIntegerField(db_default=0)
    body = models.BinaryField(help_text="the exact bytes of every attempt")

    status = models.CharField(max_length=10, choices=DeliveryStatus.choices, db_default="pending")
    attempts = models.IntegerField(db_default=0, help_text="all of them, those that somebody asked for included")
    tries = models.IntegerField(db_default=0, help_text="of the schedule alone")
    next_attempt_at = models.DateTimeField(null=True, blank=True, help_text="by the schedule; empty: it plans none")
    resend_at = models.DateTimeField(null=True, blank=True, help_text="somebody asked for an attempt")
    # The earlier of both, while it is pending.
    due_at = models.DateTimeField(null=True, blank=True)
    locked_until = models.DateTimeField(null=True, blank=True, help_text="a drain is at it")
    claim_epoch = models.IntegerField(db_default=0, help_text="a result counts only under the epoch of its claim")

    response_status = models.IntegerField(null=True, blank=True)
    error_message = models.CharField(max_length=500, blank=True, db_default="")
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            # A fan-out that is done again adds nothing. One event may be two names: run.started is made from another.
            models.UniqueConstraint(fields=["endpoint", "event_id", "event_type"], name="delivery_once"),
        ]
        indexes = [
            # The drain claims what is due of one endpoint, the longest due first.
            models.Index(fields=["endpoint", "due_at"], condition=models.Q(status="pending"), name="delivery_due"),
            # How many of an endpoint are being sent, and when those of a dead drain are free again. Holds nothing else.
            models.Index(
                fields=["endpoint", "locked_until"],
                condition=models.Q(locked_until__isnull=False),
                name="delivery_in_flight",
            ),
            # GET /webhooks/{id}/deliveries and the pages of the admin, newest first.
            models.Index(fields=["endpoint", "-created_at", "-id"], name="delivery_newest"),
            # What never arrived: counted for each endpoint on the pages of the admin, and found there.
            models.Index(
                fields=["endpoint", "-created_at", "-id"],
                condition=models.Q(status__in=["exhausted", "cancelled"]),
                name="delivery_given_up",
            ),
            # The webhooks of one run, on its page.
            models.Index(fields=["run_id", "created_at"], name="delivery_of_run"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.id}"

    @property
    def message_id(self) -> str:
        """The `webhook-id`: the same on every attempt and whenever it is sent again."""
        return f"msg_{self.id}"
