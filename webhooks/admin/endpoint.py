"""Endpoints: who listens, to what, and how well that goes."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

from runs.admin.filters import is_set
from runs.admin.shown import NOTHING, row_link, rows_link
from webhooks.admin.figures import Figures, figures_of
from webhooks.admin.health import health_of
from webhooks.admin.shown import badge, dot, milliseconds, moment, safe, short, table
from webhooks.admin.steering import SteeredAdmin
from webhooks.models import Delivery, Endpoint, EndpointSecret, Notice, Replay

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList
else:
    from unfold.views import ChangeList

NEWEST = 10
LONGEST_URL = 38
LONGEST_EVENTS = 30
MASKED = "••••••••"
USUAL = "the six events of a run"


class EndpointList(ChangeList):
    """One page of endpoints with their figures, which are counted for the page as a whole."""

    def get_results(self, request: HttpRequest) -> None:
        """The rows of the page know their figures."""
        super().get_results(request)
        _count_for(self.result_list)


@admin.register(Endpoint)
class EndpointAdmin(SteeredAdmin):
    """Every endpoint, the deleted ones too; never a secret nor the value of a header."""

    list_display = (*("health", "where", "waiting", "given_up", "last_success", "p95", "what", "project"),)
    list_display_links = ("health", "where")
    list_select_related = ("project",)
    list_filter = (
        "active",
        is_set("paused_at", "paused"),
        is_set("failing_since", "failing"),
        is_set("deleted_at", "deleted"),
        "project",
    )
    search_fields = ("url__icontains", "description__icontains")
    search_help_text = "part of the URL or of the description"
    fieldsets = (
        (
            None,
            {"fields": ("health", "shown_url", "description", "project", "belongings", "paused_at", "why_disabled")},
        ),
        ("What it hears", {"fields": ("shown_events", "tags", "mode_name", "environment", "run_id")}),
        ("How it is sent", {"fields": ("secrets", "headers", "rate_per_second", "at_once")}),
        (
            "How it goes",
            {
                "fields": (
                    *("waiting", "given_up", "p95", "last_success_at", "last_failure_at", "failing_since", "failures"),
                    *("broken_until", "paced_until"),
                )
            },
        ),
        ("Newest deliveries", {"fields": ("newest_deliveries",)}),
        ("Newest notices", {"fields": ("newest_notices",)}),
        ("Record", {"fields": ("id", "created_by", "created_at", "updated_at", "deleted_at")}),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[EndpointList]:
        """With figures."""
        return EndpointList

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Model | None:
        """The endpoint with its figures and what is newest of it: each field is rendered more than once."""
        found: Any = super().get_object(request, object_id, from_field)
        if found is not None:
            _count_for([found])
            found.living = list(EndpointSecret.objects.living().filter(endpoint=found))
            deliveries = Delivery.objects.filter(endpoint=found).order_by("-created_at", "-id")
            found.newest = list(deliveries.defer("body")[:NEWEST])
            found.told = list(Notice.objects.filter(endpoint=found)[:NEWEST])
        return found  # type: ignore[no-any-return]

    @admin.display(description="health")
    def health(self, endpoint: Endpoint) -> str:
        """A dot and words."""
        return dot(health_of(endpoint))

    @admin.display(description="URL")
    def where(self, endpoint: Endpoint) -> str:
        """The beginning of the URL."""
        return short(safe(endpoint.url), LONGEST_URL)

    @admin.display(description="events")
    def what(self, endpoint: Endpoint) -> str:
        """The beginning of what it subscribes to."""
        return short(self.shown_events(endpoint), LONGEST_EVENTS)

    @admin.display(description="last success")
    def last_success(self, endpoint: Endpoint) -> str:
        """To the second."""
        return moment(endpoint.last_success_at)

    @admin.display(description="URL")
    def shown_url(self, endpoint: Endpoint) -> str:
        """Where it listens, without what looks like a secret."""
        return format_html('<span class="sb-anywhere">{}</span>', safe(endpoint.url))

    @admin.display(description="events")
    def shown_events(self, endpoint: Endpoint) -> str:
        """What it subscribes to."""
        return ", ".join(endpoint.events) or USUAL

    @admin.display(description="waiting")
    def waiting(self, endpoint: Endpoint) -> str:
        """Deliveries that are still to arrive."""
        return _counted(endpoint, "pending")

    @admin.display(description="exhausted · cancelled")
    def given_up(self, endpoint: Endpoint) -> str:
        """Deliveries that will not arrive by themselves."""
        both = ("exhausted", "cancelled")
        return format_html_join(" · ", "{}", ((_counted(endpoint, status),) for status in both))

    @admin.display(description="p95 of a day")
    def p95(self, endpoint: Endpoint) -> str:
        """The time that 95 of 100 attempts of the last day took at most; of a busy one its newest thousand."""
        return milliseconds(_figures(endpoint).p95_ms)

    @admin.display(description="belongs to it")
    def belongings(self, endpoint: Endpoint) -> str:
        """Links to what belongs to it."""
        of = {"endpoint": endpoint.id}
        links = ((Delivery, "deliveries"), (Notice, "notices"), (Replay, "replays"))
        return format_html_join(" · ", "{}", ((rows_link(model, text, **of),) for model, text in links))

    @admin.display(description="disabled")
    def why_disabled(self, endpoint: Endpoint) -> str:
        """When and why it was disabled."""
        if endpoint.disabled_at is None:
            return NOTHING
        return format_html("{}: {}", moment(endpoint.disabled_at), endpoint.disabled_reason)

    @admin.display(description="secrets")
    def secrets(self, endpoint: Any) -> str:
        """The last characters of each, and until when it signs."""
        return (
            format_html_join("", "{}{}{}<br>", ((MASKED, one.hint, _until(one)) for one in endpoint.living)) or NOTHING
        )

    @admin.display(description="headers of its own")
    def headers(self, endpoint: Endpoint) -> str:
        """Their names; the values may be secrets."""
        return format_html_join("", "{}: {}<br>", ((name, MASKED) for name in endpoint.header_names)) or NOTHING

    @admin.display(description="attempts at once")
    def at_once(self, endpoint: Endpoint) -> str:
        """Its own limit, or everybody's."""
        return str(endpoint.concurrency or "WEBHOOK_CONCURRENCY")

    @admin.display(description="deliveries")
    def newest_deliveries(self, endpoint: Any) -> str:
        """The newest ones."""
        return table(("Created", "Event", "Status", "Attempts", "Answer"), map(_line_of, endpoint.newest))

    @admin.display(description="notices")
    def newest_notices(self, endpoint: Any) -> str:
        """The newest ones."""
        rows = (
            (row_link(Notice, one.id, moment(one.created_at)), badge(one.kind.partition(".")[2]), one.message)
            for one in endpoint.told
        )
        return table(("Told", "What", "Message"), rows)


def _line_of(delivery: Delivery) -> tuple[object, ...]:
    link = row_link(Delivery, delivery.id, moment(delivery.created_at))
    answer = delivery.response_status or NOTHING
    return (link, delivery.event_type, badge(delivery.status), delivery.attempts, answer)


def _count_for(endpoints: Any) -> None:
    counted = figures_of([one.id for one in endpoints])
    for one in endpoints:
        one.figures = counted[one.id]


def _figures(endpoint: Any) -> Figures:
    figures: Figures = endpoint.figures
    return figures


def _counted(endpoint: Endpoint, status: str) -> str:
    number = _figures(endpoint).told[status]
    return number if number == "0" else rows_link(Delivery, number, endpoint=endpoint.id, status=status)


def _until(secret: EndpointSecret) -> str:
    return "" if secret.expires_at is None else format_html(", signs until {}", moment(secret.expires_at))
