"""Deliveries, with how each try went."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from runs.admin.filters import one_of
from runs.admin.pages import ReadOnlyAdmin
from runs.admin.shown import NOTHING, pretty, pretty_value, received, row_link
from runs.errors import Conflict, NotFound
from runs.models import Run
from runs.queries.names import named_runs
from webhooks.admin.callers import caller_of
from webhooks.admin.filters import TYPES, OfEndpoint, Since
from webhooks.admin.health import Health
from webhooks.admin.shown import LONGEST_HOST, badge, dot, milliseconds, moment, safe, short, table, tail
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.models.delivery import DeliveryStatus
from webhooks.operations.resend_delivery import resend_delivery

SHOWN_ATTEMPTS = 50
MOST_AT_ONCE = 200


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """What is, was or will be sent where."""

    actions = ("send_again",)
    list_display = (
        *("row", "state", "event_type", "host", "run_end", "attempts", "answer"),
        *("tried_at", "due"),
    )
    list_select_related = ("endpoint",)
    list_filter = (one_of("status", DeliveryStatus.values), one_of("event_type", TYPES), Since, OfEndpoint, "project")
    search_fields = ("id",)
    search_help_text = "id of a delivery (with or without msg_), or id, session id or message id of a run"
    deferred = ("body",)
    narrowed_by = {OfEndpoint.parameter_name: ("-created_at", "-id")}
    fieldsets = (
        (
            None,
            {
                "fields": (
                    *("state", "message_id", "endpoint_link", "project", "event_type", "run_link", "seq", "event_id"),
                    *("attempts", "last_answer"),
                )
            },
        ),
        (
            "When",
            {"fields": ("created_at", "last_attempt_at", "delivered_at", "due_at", "next_attempt_at", "resend_at")},
        ),
        ("Attempts, newest first", {"fields": ("shown_attempts",)}),
        ("Body", {"fields": ("shown_body",)}),
        ("Claim", {"fields": ("tries", "claim_epoch", "locked_until")}),
    )

    def has_send_again_permission(self, request: HttpRequest) -> bool:
        """Staff who may change deliveries."""
        return request.user.has_perm("webhooks.change_delivery")

    @admin.action(description="Send again", permissions=["send_again"])
    def send_again(self, request: HttpRequest, deliveries: QuerySet[Delivery]) -> None:
        """Each is due, under its own id and in its own project."""
        chosen = list(deliveries.order_by().select_related("endpoint").defer("body")[: MOST_AT_ONCE + 1])
        if len(chosen) > MOST_AT_ONCE:
            told = f"Nothing was done: at most {MOST_AT_ONCE} at once. Replay those of an endpoint on its page."
            self.message_user(request, told, messages.ERROR)
            return
        refused = [one for one in chosen if not _sent_again(request, one)]
        if done := len(chosen) - len(refused):
            self.message_user(request, f"{done} due once more.")
        if refused:
            told = f"{len(refused)} of endpoints that are not active were left as they are."
            self.message_user(request, told, messages.WARNING)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The delivery of this id, and those that speak of a run that the term names."""
        term = search_term.strip().removeprefix("msg_")
        if not term:
            return queryset, False
        of_runs = Q(run_id__in=named_runs(term))
        try:
            # A run that was deleted is found by its id alone.
            return queryset.filter(of_runs | Q(id=UUID(term)) | Q(run_id=UUID(term))), False
        except ValueError:
            return queryset.filter(of_runs), False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Model | None:
        """The delivery with its newest attempts: each field is rendered more than once."""
        found: Any = super().get_object(request, object_id, from_field)
        if found is not None:
            found.tried = list(Attempt.objects.filter(delivery=found).order_by("-number")[:SHOWN_ATTEMPTS])
        return found  # type: ignore[no-any-return]

    @admin.display(description="delivery")
    def row(self, delivery: Delivery) -> str:
        """The end of its id."""
        return tail(delivery.id)

    @admin.display(description="endpoint")
    def host(self, delivery: Delivery) -> str:
        """Where it goes, on one line."""
        return row_link(Endpoint, delivery.endpoint_id, short(str(delivery.endpoint), LONGEST_HOST))

    @admin.display(description="run")
    def run_end(self, delivery: Delivery) -> str:
        """The end of the id of its run."""
        return row_link(Run, delivery.run_id, tail(delivery.run_id))

    @admin.display(description="answer", empty_value=NOTHING)
    def answer(self, delivery: Delivery) -> int | None:
        """Status of the last attempt."""
        return delivery.response_status

    @admin.display(description="last attempt")
    def tried_at(self, delivery: Delivery) -> str:
        """To the second."""
        return moment(delivery.last_attempt_at)

    @admin.display(description="due")
    def due(self, delivery: Delivery) -> str:
        """To the second."""
        return moment(delivery.due_at)

    @admin.display(description="status")
    def state(self, delivery: Delivery) -> str:
        """The status with its colour."""
        return badge(delivery.status)

    @admin.display(description="webhook-id")
    def message_id(self, delivery: Delivery) -> str:
        """What receivers know it by."""
        return delivery.message_id

    @admin.display(description="endpoint")
    def endpoint_link(self, delivery: Delivery) -> str:
        """Where it goes."""
        return row_link(Endpoint, delivery.endpoint_id, delivery.endpoint)

    @admin.display(description="run")
    def run_link(self, delivery: Delivery) -> str:
        """What it speaks of; a test event speaks of no run."""
        return row_link(Run, delivery.run_id)

    @admin.display(description="last answer")
    def last_answer(self, delivery: Delivery) -> str:
        """Status and error of the last attempt."""
        return " ".join(filter(None, (str(delivery.response_status or ""), safe(delivery.error_message))))

    @admin.display(description="body")
    def shown_body(self, delivery: Delivery) -> str:
        """What is sent, without secrets."""
        return received(delivery.body)

    @admin.display(description="attempts")
    def shown_attempts(self, delivery: Any) -> str:
        """How each try went."""
        return table(("No.", "Started", "Took", "Outcome", "Answer"), map(_line, delivery.tried))


def _sent_again(request: HttpRequest, delivery: Delivery) -> bool:
    try:
        resend_delivery(delivery.endpoint_id, delivery.id, caller_of(request, delivery.endpoint))
    except (Conflict, NotFound):
        return False
    return True


def _line(attempt: Attempt) -> tuple[object, ...]:
    asked = " by hand" if attempt.is_manual else ""
    return (
        f"{attempt.number}{asked}",
        moment(attempt.started_at),
        milliseconds(attempt.duration_ms),
        badge("delivered") if attempt.is_success else _failure(attempt),
        _answer(attempt),
    )


def _failure(attempt: Attempt) -> SafeString:
    said = safe(attempt.error_message) if attempt.error_message else attempt.reason or "failed"
    return dot(Health("red", f"{said}, final" if attempt.permanent else said))


def _answer(attempt: Attempt) -> str:
    if attempt.response_status is None:
        return NOTHING
    return format_html(
        '<details><summary class="sb-answer">{}</summary>{}{}</details>',
        attempt.response_status,
        pretty_value({name: safe(str(value)) for name, value in attempt.response_headers.items()}),
        pretty(safe(attempt.excerpt)),
    )
