"""Whether somebody living owns a run."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Now

from runs.models import Observer, Run


def has_living_owner(run_id: UUID) -> bool:
    """True if an observer owns the run that was not declared lost and has beaten within its lease."""
    owner = Run.objects.filter(id=run_id).values("observer_id")
    since = Now() - timedelta(seconds=settings.OBSERVER_LEASE_S)
    return Observer.objects.filter(id__in=owner, lost_at=None, beat_at__gte=since).exists()
