"""Runs, with the way to everything that belongs to them."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from runs.admin.certificate import certificate, cleanup
from runs.admin.filters import is_set, one_of
from runs.admin.pages import OF_PROJECT, ReadOnlyAdmin
from runs.admin.shown import LINK, NOTHING, pretty, pretty_value, row_link, rows_link
from runs.domain.lifecycle import RunStatus
from runs.models import (
    Artifact,
    Event,
    LateObservation,
    Observer,
    OutboundMessage,
    Projection,
    RawObservation,
    Run,
    RuntimeSession,
)
from runs.queries.names import named_runs
from runs.queries.shown import redactor


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """Every run: where it is, who owns it, how it ended."""

    list_display = (
        "id",
        "status",
        "mode_name",
        "runtime_kind",
        "session_id",
        "last_seq",
        "code",
        "created_at",
        "project",
        "watch",
    )
    list_select_related = ("project",)
    list_filter = (
        one_of("status", RunStatus),
        one_of("mode", ("live", "sandbox")),
        one_of("runtime_kind", settings.RUNTIME_ADAPTERS),
        one_of("session_opener", ("control-plane", "agent")),
        is_set("observer_id", "has an owner"),
        is_set("archived_at", "archived"),
        "project",
    )
    narrowed_by = {OF_PROJECT: ("-created_at", "-id")}
    search_fields = ("id",)
    search_help_text = "id, session id, tag or message id of a run"
    deferred = ("request", "request_digest")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "id",
                    "watch",
                    "project",
                    "status",
                    "belongings",
                    "how_it_ended",
                    "error_code",
                    "error_message",
                )
            },
        ),
        (
            "Session",
            {"fields": ("mode", "mode_name", "runtime_kind", "runtime_version", "session_id", "session_opener")},
        ),
        ("Origin", {"fields": ("source_kind", "source_ref", "tags", "shown_key", "trace_id", "shown_metadata")}),
        ("Ownership", {"fields": ("owner", "lease_epoch", "recovery_attempts")}),
        ("Wanted", {"fields": ("wanted", "wanted_by", "wanted_reason", "wanted_at", "answer")}),
        (
            "Clocks",
            {
                "fields": (
                    *("created_at", "started_at", "ended_at", "suspended_at", "archived_at", "last_event_at"),
                    *("updated_at", "admission_deadline", "progress_deadline", "hard_deadline"),
                )
            },
        ),
        ("Clean-up", {"fields": ("how_it_was_cleaned_up",)}),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The runs that the term names, and those with it as a tag."""
        if not search_term:
            return queryset, False
        return queryset.filter(Q(id__in=named_runs(search_term)) | Q(tags__contains=[search_term])), False

    @admin.display(description="ending")
    def code(self, run: Run) -> str:
        """The code of the ending in the list."""
        return run.error_code or (run.status if run.has_ended else NOTHING)

    @admin.display(description="live")
    def watch(self, run: Run) -> str:
        """The way to the page that shows the run as it goes on."""
        return format_html('<a class="{}" href="{}">Watch</a>', LINK, reverse("console:run", args=[run.id]))

    @admin.display(description="belongs to it")
    def belongings(self, run: Run) -> str:
        """Links to everything of the run."""
        counted: list[tuple[type[Model], str]] = [
            (Event, f"{run.last_seq} events"),
            (RawObservation, f"{run.last_raw_seq} raw observations"),
            (OutboundMessage, "messages"),
            (RuntimeSession, "session"),
            (Projection, "projection"),
            (LateObservation, f"{run.late_count} late observations"),
            (Artifact, "artifacts"),
        ]
        return format_html_join(" · ", "{}", ((rows_link(model, text, run__exact=run.id),) for model, text in counted))

    @admin.display(description="ending")
    def how_it_ended(self, run: Run) -> str:
        """The certificate, in words."""
        return certificate(run.ending)

    @admin.display(description="metadata")
    def shown_metadata(self, run: Run) -> str:
        """The metadata, which holds a redacted copy of the request."""
        return pretty_value(run.metadata)

    @admin.display(description="idempotency key")
    def shown_key(self, run: Run) -> str:
        """The key without what looks like a secret in it."""
        return NOTHING if run.idempotency_key is None else redactor().redact_text(run.idempotency_key)

    @admin.display(description="observer")
    def owner(self, run: Run) -> str:
        """The observer that owns the run."""
        return row_link(Observer, run.observer_id)

    @admin.display(description="answer")
    def answer(self, run: Run) -> str:
        """What the owner answered to what was wanted."""
        return pretty(run.wanted_answer)

    @admin.display(description="after the ending")
    def how_it_was_cleaned_up(self, run: Run) -> str:
        """The clean-up, in words."""
        return cleanup(run)
