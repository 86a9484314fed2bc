"""What a run has beside its logs: its session, its projection, its messages, its artifacts."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.db.models.functions import Length
from django.http import HttpRequest

from runs.admin.filters import is_set, one_of
from runs.admin.pages import OF_RUN, OfRunAdmin
from runs.admin.shown import NOTHING, pretty, pretty_value, row_link, rows_link
from runs.models import Artifact, Event, OutboundMessage, Projection, Run, RuntimeSession
from runs.models.message import CATEGORIES, STATUSES
from runs.queries.shown import redactor


class PartAdmin(OfRunAdmin):
    """A row with a link to its run."""

    @admin.display(description="run")
    def run_link(self, part: Any) -> str:
        """The run of the row."""
        return row_link(Run, part.run_id)


@admin.register(RuntimeSession)
class RuntimeSessionAdmin(PartAdmin):
    """Sessions as their runtimes know them, and how far they were read."""

    list_display = ("id", "run_link", "state", "protocol", "runtime_name", "shown_initiator", "cursor", "expires_at")
    list_filter = (is_set("start_acked_at", "start was accepted"),)
    deferred = ("start_envelope", "adapter_state")
    fields = (
        *("run_link", "state", "protocol", "runtime_name", "runtime_version", "supported_modes"),
        *("shown_capabilities", "initialized_at", "mode_version", "configuration_version", "policy_version"),
        *("shown_initiator", "expires_at", "cursor", "start_message_id", "start_sent_at", "start_acked_at"),
    )

    @admin.display(description="initiator")
    def shown_initiator(self, session: RuntimeSession) -> str:
        """Who opened it, without what looks like a secret: it is kept as it is, as senders are known by it."""
        return NOTHING if session.initiator is None else redactor().redact_text(session.initiator)

    @admin.display(description="capabilities")
    def shown_capabilities(self, session: RuntimeSession) -> str:
        """What the runtime can do; null where it does not say."""
        return pretty_value(session.capabilities)


@admin.register(Projection)
class ProjectionAdmin(PartAdmin):
    """The stored state of each run."""

    list_display = ("id", "run_link", "projected_seq", "schema_version", "characters")
    deferred = ("state", "private")
    fields = ("run_link", "projected_seq", "schema_version", "shown_state")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """The rows with the length of their state, which the list shows instead of it."""
        rows: QuerySet[Model] = super().get_queryset(request).annotate(state_length=Length("state"))
        return rows

    @admin.display(description="characters")
    def characters(self, projection: Any) -> int:
        """How long the state is."""
        length: int = projection.state_length
        return length

    @admin.display(description="state")
    def shown_state(self, projection: Projection) -> str:
        """The state as it is served."""
        return pretty(projection.state)


@admin.register(OutboundMessage)
class OutboundMessageAdmin(PartAdmin):
    """What was sent into sessions, and its fate; never the bytes."""

    list_display = (
        "message_id",
        "run_link",
        "message_type",
        "sender",
        "category",
        "status",
        "reply_status",
        "created_at",
    )
    list_filter = (
        one_of("status", STATUSES),
        one_of("category", CATEGORIES),
        one_of("reply_status", ("pending", "answered", "unanswered")),
    )
    deferred = ("body",)
    narrowed_by = {OF_RUN: ("-position",)}
    fields = (
        *("message_id", "run_link", "events", "position", "category", "kind", "message_type", "sender", "recipients"),
        *("status", "attempt", "claimed_epoch", "shown_descriptor", "shown_ack", "error_code", "error_message"),
        *("reply_timeout_ms", "reply_deadline_at", "reply_status", "reply_message_id"),
        *("created_at", "sent_at", "accepted_at", "updated_at"),
    )

    @admin.display(description="events")
    def events(self, message: OutboundMessage) -> str:
        """What the log says of the message."""
        return rows_link(Event, "about it", run__exact=message.run_id, subject_id__exact=message.message_id)

    @admin.display(description="payload")
    def shown_descriptor(self, message: OutboundMessage) -> str:
        """Form and size of the payload, and a redacted preview."""
        return pretty(message.payload_descriptor)

    @admin.display(description="ack")
    def shown_ack(self, message: OutboundMessage) -> str:
        """The runtime's own answer."""
        return pretty(message.ack)


@admin.register(Artifact)
class ArtifactAdmin(PartAdmin):
    """What runs made or refer to."""

    list_display = ("label", "kind", "run_link", "created_at")
    narrowed_by = {OF_RUN: ("-created_at", "-id")}
    list_filter = (one_of("kind", ("trace", "json", "report", "log", "bundle")),)
    fields = ("run_link", "kind", "label", "uri", "shown_inline", "created_at")

    @admin.display(description="inline")
    def shown_inline(self, artifact: Artifact) -> str:
        """The content that is kept here."""
        return pretty_value(artifact.inline)
