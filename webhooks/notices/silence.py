"""The silence watch: somebody is told of endings that an endpoint does not hear of, by another way than the endpoint."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from runs.domain.lifecycle import TERMINAL
from runs.models import Run
from webhooks.models import Endpoint, Notice
from webhooks.models.notice import NoticeKind
from webhooks.notices.telling import project_of, tell
from webhooks.wanted import is_wanted

TOLD_EVERY = timedelta(days=1)
COUNTED_ENDINGS = 10_000


def watch_silence(now: datetime) -> int:
    """Operators are told, once a day, how many endings each disabled or failing endpoint has missed; so many were told."""
    return sum(_tell_of(endpoint_id, now) for endpoint_id in _silent(now).values_list("id", flat=True))


def _silent(now: datetime) -> QuerySet[Endpoint]:
    notices = Notice.objects.filter(endpoint=OuterRef("pk"))
    told = notices.filter(kind=NoticeKind.SILENT, created_at__gt=now - TOLD_EVERY)
    known_to_fail = notices.filter(kind=NoticeKind.FAILING, created_at__gte=OuterRef("failing_since"))
    silent = Q(active=False, disabled_at__lte=now) | Q(Exists(known_to_fail), active=True)
    return Endpoint.objects.filter(silent, ~Exists(told), deleted_at=None)


@transaction.atomic
def _tell_of(endpoint_id: UUID, now: datetime) -> bool:
    # Asked again under the lock: another watch may have told meanwhile.
    locked = _silent(now).filter(id=endpoint_id).select_for_update(of=("self",), skip_locked=True, no_key=True)
    endpoint = locked.first()
    if endpoint is None or (since := _unheard_since(endpoint)) is None:
        return False
    missed = _endings(endpoint, since, now)[:COUNTED_ENDINGS].count()
    if missed:
        said = f"{missed} or more" if missed == COUNTED_ENDINGS else str(missed)
        state = "failing" if endpoint.active else "disabled"
        message = f"{endpoint} is {state} and has missed {said} endings of runs since {since:%Y-%m-%d %H:%M} UTC"
        details = {"missed": missed, "since": since.isoformat(), "state": state}
        tell(endpoint, NoticeKind.SILENT, message, details, now)
    return missed > 0


def _unheard_since(endpoint: Endpoint) -> datetime | None:
    """Since when endings were missed that nobody was told of."""
    last = Notice.objects.filter(endpoint=endpoint, kind=NoticeKind.SILENT).first()
    since = endpoint.failing_since or endpoint.disabled_at
    return max(since, last.created_at) if since and last else since


def _endings(endpoint: Endpoint, since: datetime, now: datetime) -> QuerySet[Run]:
    wanted = [status for status in TERMINAL if is_wanted(endpoint.events, f"run.{status}")]
    runs = Run.objects.filter(project_id=project_of(endpoint), status__in=wanted, ended_at__gt=since, ended_at__lte=now)
    if endpoint.tags:
        runs = runs.filter(tags__overlap=endpoint.tags)
    if endpoint.mode_name:
        runs = runs.filter(mode_name=endpoint.mode_name)
    if endpoint.environment:
        runs = runs.filter(metadata__environment=endpoint.environment)
    if endpoint.run_id:
        runs = runs.filter(id=endpoint.run_id)
    return runs
