"""Reads of deliveries and of how their attempts went."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from runs.errors import NotFound
from webhooks.models import Attempt, Delivery
from webhooks.models.delivery import DeliveryQuerySet, DeliveryStatus

EVERYTHING = "*"
FAMILY = ".*"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Which deliveries of an endpoint a list shows; empty text and None mean any."""

    status: str = ""
    event: str = ""
    run_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayFilter:
    """Which deliveries of an endpoint are sent again: of these types or patterns, in this status, of one run, of a time.

    Without a status those that did not arrive. `since` is in the time, `until` is not.
    """

    events: tuple[str, ...] = ()
    status: str = ""
    run_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


def list_deliveries(endpoint_id: UUID, wanted: DeliveryFilter, *, limit: int, offset: int) -> list[Delivery]:
    """One page of the deliveries that `wanted` matches, newest first, without their bodies."""
    rows = _matching(endpoint_id, wanted).order_by("-created_at", "-id").defer("body")
    return list(rows[offset : offset + limit])


def count_deliveries(endpoint_id: UUID, wanted: DeliveryFilter) -> int:
    """How many deliveries `wanted` matches."""
    return _matching(endpoint_id, wanted).count()


def delivery_with_body(project_id: UUID, endpoint_id: UUID, delivery_id: UUID) -> Delivery:
    """The delivery. Raises NotFound, also where it or its endpoint is another one's."""
    found = Delivery.objects.filter(
        id=delivery_id, endpoint_id=endpoint_id, endpoint__project_id=project_id, endpoint__deleted_at=None
    ).first()
    if found is None:
        raise NotFound("there is no such delivery")
    return found


def attempts_of(delivery_id: UUID) -> Sequence[Attempt]:
    """How each try went, in their order."""
    return list(Attempt.objects.filter(delivery_id=delivery_id).order_by("number"))


def replayable(endpoint_id: UUID, wanted: ReplayFilter) -> DeliveryQuerySet:
    """The deliveries that `wanted` matches; test events are none of them, nor is what waits anyway."""
    statuses = (wanted.status,) if wanted.status else (DeliveryStatus.EXHAUSTED, DeliveryStatus.CANCELLED)
    found = Delivery.objects.filter(endpoint_id=endpoint_id, status__in=statuses).exclude(run_id=None)
    if wanted.events:
        found = found.filter(_of_types(wanted.events))
    if wanted.run_id is not None:
        found = found.filter(run_id=wanted.run_id)
    if wanted.since is not None:
        found = found.filter(created_at__gte=wanted.since)
    return found if wanted.until is None else found.filter(created_at__lt=wanted.until)


def _matching(endpoint_id: UUID, wanted: DeliveryFilter) -> DeliveryQuerySet:
    found = Delivery.objects.filter(endpoint_id=endpoint_id)
    if wanted.status:
        found = found.filter(status=wanted.status)
    if wanted.event:
        found = found.filter(event_type=wanted.event)
    return found if wanted.run_id is None else found.filter(run_id=wanted.run_id)


def _of_types(events: Sequence[str]) -> Q:
    if EVERYTHING in events:
        return Q()
    families = [Q(event_type__startswith=one.removesuffix("*")) for one in events if one.endswith(FAMILY)]
    names = Q(event_type__in=[one for one in events if not one.endswith(FAMILY)])
    for family in families:
        names |= family
    return names
