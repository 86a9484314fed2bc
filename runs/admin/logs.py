"""The logs of runs: canonical events, raw observations, and what came too late."""

from uuid import UUID

from django.contrib import admin

from runs.admin.filters import is_set, one_of
from runs.admin.pages import OF_RUN, OfRunAdmin
from runs.admin.shown import NOTHING, pretty, received, row_link, rows_link, size
from runs.domain.events import EventType, ObservationKind
from runs.models import Event, LateObservation, OutboundMessage, RawObservation, Run


@admin.register(Event)
class EventAdmin(OfRunAdmin):
    """The numbered facts of every run."""

    list_display = ("seq", "type", "ts", "run_link", "subject_kind", "subject_id", "source_name")
    deferred = ("data",)
    narrowed_by = {OF_RUN: ("-seq",)}
    list_filter = (one_of("type", EventType), one_of("source_kind", ("runtime", "control-plane")))
    fields = (
        *("run_link", "seq", "type", "ts", "subject", "source_kind", "source_name", "raw_type", "raw_link"),
        *("trace_id", "span_id", "parent_span_id", "lease_epoch", "created_at", "shown_data"),
    )

    @admin.display(description="run")
    def run_link(self, event: Event) -> str:
        """The run of the event."""
        return row_link(Run, event.run_id)

    @admin.display(description="subject")
    def subject(self, event: Event) -> str:
        """What the event is about; an outbound message as a link."""
        if event.subject_kind in ("message", "signal") and _is_uuid(event.subject_id):
            return rows_link(
                OutboundMessage, event.subject_id, run__exact=event.run_id, message_id__exact=event.subject_id
            )
        return f"{event.subject_kind} {event.subject_id}" if event.subject_kind else NOTHING

    @admin.display(description="raw observation")
    def raw_link(self, event: Event) -> str:
        """The observation the event was made of."""
        if event.raw_seq is None:
            return NOTHING
        return rows_link(RawObservation, event.raw_seq, run__exact=event.run_id, seq__exact=event.raw_seq)

    @admin.display(description="data")
    def shown_data(self, event: Event) -> str:
        """The data, which was redacted before it was stored."""
        return pretty(event.data)


@admin.register(RawObservation)
class RawObservationAdmin(OfRunAdmin):
    """What runtimes told us; the bytes as received, shown without secrets."""

    list_display = ("seq", "kind", "source_id", "created_at", "run_link")
    deferred = ("body", "digest")
    narrowed_by = {OF_RUN: ("-seq",)}
    list_filter = (one_of("kind", ObservationKind),)
    fields = ("run_link", "seq", "kind", "source_id", "created_at", "events", "body_size", "shown_body")

    @admin.display(description="run")
    def run_link(self, observation: RawObservation) -> str:
        """The run of the observation."""
        return row_link(Run, observation.run_id)

    @admin.display(description="events")
    def events(self, observation: RawObservation) -> str:
        """The events made of it."""
        return rows_link(Event, "made of it", run__exact=observation.run_id, raw_seq__exact=observation.seq)

    @admin.display(description="size")
    def body_size(self, observation: RawObservation) -> str:
        """How many bytes were received."""
        return size(observation.body)

    @admin.display(description="as received")
    def shown_body(self, observation: RawObservation) -> str:
        """The bytes without secrets."""
        return received(observation.body)


@admin.register(LateObservation)
class LateObservationAdmin(OfRunAdmin):
    """What came after an ending, or contradicts what was recorded."""

    list_display = ("received_at", "reason", "kind", "source_id", "run_link")
    deferred = ("body", "digest")
    narrowed_by = {OF_RUN: ("-received_at", "-id")}
    list_filter = (one_of("reason", ("after_ending", "conflict")), is_set("source_id", "has a source id"))
    fields = ("run_link", "received_at", "reason", "kind", "source_id", "body_size", "shown_body")

    @admin.display(description="run")
    def run_link(self, observation: LateObservation) -> str:
        """The run of the observation."""
        return row_link(Run, observation.run_id)

    @admin.display(description="size")
    def body_size(self, observation: LateObservation) -> str:
        """How many bytes were received."""
        return size(observation.body)

    @admin.display(description="as received")
    def shown_body(self, observation: LateObservation) -> str:
        """The bytes without secrets."""
        return received(observation.body)


def _is_uuid(text: str | None) -> bool:
    try:
        return text is not None and bool(UUID(text))
    except ValueError:
        return False
