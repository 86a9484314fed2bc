"""What keeps the service going: its observers and their beats, and what waits in the outbox and in the queue."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Min, Q
from django_q.models import OrmQ

from runs.models import Observer, OutboxEntry, Run

MOST_OBSERVERS = 20
COUNTED = 10_000  # an exact number beyond it tells nobody more
LOST_SHOWN_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Beat:
    """One observer: how it is, and how many open runs it owns."""

    id: UUID
    name: str
    version: str
    state: str  # alive, late, stopped or lost
    beat_at: datetime
    runs: int


@dataclass(frozen=True, slots=True)
class Depth:
    """How many wait, `is_more` if there are even more, and since when the oldest does."""

    waiting: int
    is_more: bool
    since: datetime | None = None


def beats(now: datetime) -> list[Beat]:
    """The living observers, and those that were lost or stopped within the hour; the worst first."""
    shown = Observer.objects.filter(Q(lost_at=None) | Q(lost_at__gt=now - LOST_SHOWN_FOR))
    found = list(shown.order_by("-beat_at")[:MOST_OBSERVERS])
    owned = _owned([one.id for one in found])
    told = [
        Beat(one.id, str(one), one.version, _state(one, owned.get(one.id, 0), now), one.beat_at, owned.get(one.id, 0))
        for one in found
    ]
    return sorted(told, key=lambda beat: (_WORST_FIRST.index(beat.state), -beat.beat_at.timestamp()))


def outbox_depth() -> Depth:
    """What is still to be fanned out; it grows where the queue stands still."""
    entries = OutboxEntry.objects.order_by("id")
    first = entries[:1].aggregate(since=Min("created_at"))["since"]
    waiting = entries[: COUNTED + 1].count()
    return Depth(min(waiting, COUNTED), waiting > COUNTED, first)


def queue_depth() -> Depth:
    """Tasks that wait for a worker of the queue, or are with one."""
    waiting = OrmQ.objects.order_by()[: COUNTED + 1].count()
    return Depth(min(waiting, COUNTED), waiting > COUNTED)


_WORST_FIRST = ("lost", "late", "alive", "stopped")


def _state(observer: Observer, runs: int, now: datetime) -> str:
    if observer.lost_at is not None:
        return "lost" if runs else "stopped"  # it has left runs behind, or nothing
    return "late" if observer.beat_at + timedelta(seconds=settings.OBSERVER_LEASE_S) < now else "alive"


def _owned(observer_ids: list[UUID]) -> dict[UUID, int]:
    owned = Run.objects.filter(ending_seq=None, observer_id__in=observer_ids).order_by()
    return {
        observer_id: number
        for observer_id, number in owned.values_list("observer_id").annotate(number=Count("id"))
        if observer_id is not None
    }
