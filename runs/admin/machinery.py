"""What keeps the service going: observers, the outbox, tickets, breakers, counters."""

from django.contrib import admin

from runs.admin.filters import is_set
from runs.admin.pages import OfRunAdmin, ReadOnlyAdmin
from runs.admin.shown import row_link, rows_link
from runs.models import BreakerChange, Metric, Observer, OutboxEntry, Run, Ticket


@admin.register(Observer)
class ObserverAdmin(ReadOnlyAdmin):
    """Processes that watch runs, the lost ones too."""

    list_display = ("id", "host", "process_id", "version", "started_at", "beat_at", "lost_at")
    list_filter = (is_set("lost_at", "lost"),)
    fields = ("id", "host", "process_id", "version", "started_at", "beat_at", "lost_at", "runs")

    @admin.display(description="runs")
    def runs(self, observer: Observer) -> str:
        """The runs it owns."""
        return rows_link(Run, "owned by it", observer_id__exact=observer.id)


@admin.register(OutboxEntry)
class OutboxEntryAdmin(OfRunAdmin):
    """What is still to be told outside."""

    list_display = ("id", "run_link", "from_seq", "to_seq", "types", "created_at")
    fields = ("run_link", "from_seq", "to_seq", "types", "created_at")

    @admin.display(description="run")
    def run_link(self, entry: OutboxEntry) -> str:
        """The run that moved."""
        return row_link(Run, entry.run_id)


@admin.register(Ticket)
class TicketAdmin(ReadOnlyAdmin):
    """One-time rights to open streams; never their secrets, nor what their callers showed."""

    list_display = ("holder", "run_link", "scopes", "created_at", "expires_at", "used_at")
    list_filter = (is_set("used_at", "used"),)
    deferred = ("secret_sha256", "credential")
    fields = ("holder", "project", "run_link", "origin", "scopes", "created_at", "expires_at", "used_at")

    @admin.display(description="run")
    def run_link(self, ticket: Ticket) -> str:
        """The run whose stream it opens."""
        return row_link(Run, ticket.run_id)


@admin.register(BreakerChange)
class BreakerChangeAdmin(ReadOnlyAdmin):
    """How the circuit breakers of all processes moved, and who reset them."""

    list_display = ("entered_at", "kind", "state", "reason", "observer_id", "is_reset")
    list_filter = ("kind", "state")
    ordering = ("-entered_at",)
    fields = ("entered_at", "kind", "state", "reason", "observer_id", "is_reset")


@admin.register(Metric)
class MetricAdmin(ReadOnlyAdmin):
    """Counters summed over all processes."""

    list_display = ("name", "labels", "value")
    ordering = ("name", "labels")
    fields = ("name", "labels", "value")
