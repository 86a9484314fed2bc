"""Observer: one process that watches runs, and when it was last seen alive."""

from uuid import UUID

from django.conf import settings
from django.db import connection, models
from django.db.models.functions import Now

from runs.models.identity import uuid7

# An observer that could not renew its lease for this part of it ends itself (runs/observer/heart.py).
LEASE_PART = 2 / 3

_GIVE_UP = """
UPDATE runs_observer SET lost_at = clock_timestamp()
 WHERE id = %s AND lost_at IS NULL AND beat_at < clock_timestamp() - make_interval(secs => %s)
"""


class ObserverQuerySet(models.QuerySet["Observer"]):
    """Reads of observers, and the end of one."""

    def give_up(self, observer: UUID) -> bool:
        """The observer is lost for good, if it has been silent for as long as ends one; True if it was declared lost now.

        Any sweep declares it lost a little later, when the whole lease is over. A beat that comes meanwhile wins.
        """
        with connection.cursor() as cursor:
            cursor.execute(_GIVE_UP, [observer, settings.OBSERVER_LEASE_S * LEASE_PART])
            return bool(cursor.rowcount == 1)


class Observer(models.Model):
    """One process start: the id is new each time and never reused, so an old owner can never come back to life."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    host = models.CharField(max_length=255)
    process_id = models.IntegerField()
    version = models.CharField(max_length=40)
    started_at = models.DateTimeField(db_default=Now())
    beat_at = models.DateTimeField(db_default=Now())
    lost_at = models.DateTimeField(null=True, blank=True, help_text="set once the beat is too old, or at a clean stop")

    objects = ObserverQuerySet.as_manager()

    class Meta:
        indexes = [
            # The sweep that declares losses, and /readyz: only the living.
            models.Index(fields=["beat_at"], condition=models.Q(lost_at=None), name="observers_living"),
        ]

    def __str__(self) -> str:
        return f"{self.host}:{self.process_id}"
