"""Leases: which observer owns which run. One beat row per process; every change of owner raises the run's epoch by one."""

import logging
import os
import socket
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Func

from runs import hub
from runs.crashpoint import autocommitting, committing
from runs.models import Observer, Run
from runs.version import VERSION

log = logging.getLogger("signalbox.lease")

# Oldest first; rows that another observer is taking at this moment are passed over, so no two ever take the same.
# The first owner sets the admission clock anew: a run that waited long for an observer gets its time to be launched. One
# that waited too long is not launched any more, but ended by a sweep.
# Only a run that is taken from a dead observer counts an attempt; one that was handed back does not.
_CLAIM = """
WITH free AS (
    SELECT r.id, r.observer_id IS NOT NULL AS is_orphan FROM runs_run r
     WHERE r.ending_seq IS NULL
       AND (r.observer_id IS NULL
            OR EXISTS (SELECT 1 FROM runs_observer o WHERE o.id = r.observer_id AND o.lost_at IS NOT NULL))
       AND EXISTS (SELECT 1 FROM runs_observer o WHERE o.id = %(me)s AND o.lost_at IS NULL)
       AND (r.status <> 'queued' OR r.admission_deadline IS NULL OR r.admission_deadline > clock_timestamp())
       AND (%(recovers)s OR r.status = 'queued') AND (%(only)s::uuid IS NULL OR r.id = %(only)s)
     ORDER BY r.created_at LIMIT %(room)s FOR NO KEY UPDATE OF r SKIP LOCKED)
UPDATE runs_run SET observer_id = %(me)s, lease_epoch = lease_epoch + 1,
       recovery_attempts = recovery_attempts + free.is_orphan::int,
       admission_deadline = CASE WHEN lease_epoch = 0 AND status = 'queued' AND admission_timeout_ms IS NULL
            THEN clock_timestamp() + make_interval(secs => %(admission)s) ELSE admission_deadline END
  FROM free WHERE runs_run.id = free.id
RETURNING runs_run.id, lease_epoch
"""

_DECLARE_LOST = """
UPDATE runs_observer SET lost_at = clock_timestamp()
 WHERE lost_at IS NULL AND beat_at < clock_timestamp() - make_interval(secs => %s)
"""

_BEAT = "UPDATE runs_observer SET beat_at = clock_timestamp() WHERE id = %s AND lost_at IS NULL"


LINGERING_SECONDS = 10
_KEPT = """
SELECT id FROM runs_run WHERE id = ANY(%(runs)s) AND observer_id = %(me)s
   AND (ended_at IS NULL OR ended_at > clock_timestamp() - make_interval(secs => %(lingering)s))
"""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write to one run, until somebody else takes it under a higher epoch."""

    run_id: UUID
    epoch: int


def register() -> UUID:
    """A new observer row of this process start; its id is never used again."""
    with autocommitting("register"):
        return Observer.objects.create(host=socket.gethostname()[:255], process_id=os.getpid(), version=VERSION).id


def beat(observer: UUID) -> bool:
    """The observer is known to live; False if it was declared lost, which is for good."""
    with autocommitting("beat"), connection.cursor() as cursor:
        cursor.execute(_BEAT, [observer])
        return bool(cursor.rowcount == 1)


def claim(observer: UUID, room: int, *, only: UUID | None = None, by_hand: bool = False) -> list[Lease]:
    """Up to `room` runs that nobody living owns are owned by `observer`, oldest first; just run `only` where given.

    Where taking over is switched off (RUN_RECOVERY_ENABLED), only what nobody has started, unless somebody asks `by_hand`.
    """
    parameters: dict[str, str | int | float | UUID | None] = {
        "me": observer,
        "room": room,
        "only": only,
        "recovers": by_hand or settings.RUN_RECOVERY_ENABLED,
        "admission": settings.SESSION_POLL_TIMEOUT_MS / 1000,
    }
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, parameters)
            claimed = [Lease(run_id, epoch) for run_id, epoch in cursor.fetchall()]
        if claimed:  # looking without finding is no step that a crash could break
            committing("claim")
    return claimed


def declare_losses() -> int:
    """Observers whose beat is too old are lost for good; returns how many were declared now."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_DECLARE_LOST, [settings.OBSERVER_LEASE_S])
            declared = int(cursor.rowcount)
        if declared:
            committing("declare_losses")
    return declared


def owned_by(observer: UUID) -> list[Lease]:
    """The open runs this observer owns, as the database sees it."""
    runs = Run.objects.filter(observer_id=observer, ending_seq=None)
    return [Lease(run_id, epoch) for run_id, epoch in runs.values_list("id", "lease_epoch")]


def lost_of(observer: UUID, run_ids: Collection[UUID]) -> set[UUID]:
    """Which of these runs a task of `observer` must let go of: somebody else's, and those that ended a while ago.

    Whoever watched a run when it ended listens a little longer: what its session still says is kept as late data.
    """
    if not run_ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_KEPT, {"me": observer, "runs": list(run_ids), "lingering": LINGERING_SECONDS})
        return set(run_ids) - {run_id for (run_id,) in cursor.fetchall()}


def forgive(run_id: UUID, epoch: int) -> None:
    """The run counts no attempts to recover it, if it is still owned under `epoch`."""
    with autocommitting("forgive"):
        Run.objects.filter(id=run_id, lease_epoch=epoch, ending_seq=None).update(recovery_attempts=0)


def hand_back(observer: UUID) -> int:
    """Every run of `observer` is free for others at once, and the observer is gone; returns how many runs."""
    with transaction.atomic():
        freed = Run.objects.filter(observer_id=observer, ending_seq=None).update(observer_id=None)
        Observer.objects.filter(id=observer, lost_at=None).update(lost_at=Func(function="clock_timestamp"))
        hub.call_observers()
        committing("hand_back")
    return freed
