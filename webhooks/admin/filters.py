"""Filters of the lists: each has few choices, and none reads them from a large table."""

from datetime import timedelta
from uuid import UUID

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import Model, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest

from runs.domain.events import EventType
from webhooks.models import Endpoint

CHOICES = 50
SPANS = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}
# What has ended first: few ask for anything else.
TYPES = sorted((kind.value for kind in EventType), key=lambda kind: (not kind.startswith("run."), kind))


class OfEndpoint(SimpleListFilter):
    """The rows of one endpoint: the newest ones can be chosen, all can be linked to."""

    title = "endpoint"
    parameter_name = "endpoint"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Model]") -> list[tuple[str, str]]:
        """The newest endpoints, and the one that is chosen."""
        newest = {one.id: one for one in Endpoint.objects.filter(deleted_at=None).order_by("-id")[:CHOICES]}
        chosen = chosen_endpoint(request)
        if chosen and chosen not in newest:
            newest.update({one.id: one for one in Endpoint.objects.filter(id=chosen)})
        return [(str(one.id), f"{one} …{str(one.id)[-4:]}") for one in newest.values()]

    def has_output(self) -> bool:
        """Also for one endpoint alone: its name says what the list is of."""
        return bool(self.lookup_choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        """Nothing for what is no id."""
        if not self.value():
            return queryset
        chosen = chosen_endpoint(request)
        return queryset.filter(endpoint_id=chosen) if chosen else queryset.none()


def chosen_endpoint(request: HttpRequest) -> UUID | None:
    """The endpoint that the address of a list names."""
    try:
        return UUID(request.GET.get(OfEndpoint.parameter_name, ""))
    except ValueError:
        return None


class Since(SimpleListFilter):
    """What came into being lately."""

    title = "created"
    parameter_name = "within"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Model]") -> list[tuple[str, str]]:
        """Spans of time."""
        return [("1h", "Last hour"), ("1d", "Last day"), ("7d", "Last 7 days"), ("30d", "Last 30 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        """By the database's clock."""
        span = SPANS.get(self.value() or "")
        return queryset.filter(created_at__gt=Now() - span) if span else queryset
