"""Leases: which observer owns which run. One beat row per process; every change of owner raises the run's epoch by one."""

import asyncio
import logging
import os
import socket
import threading
import time
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import close_old_connections, connection

from runs import hub
from runs.models import Observer, Run
from runs.version import VERSION

log = logging.getLogger("signalbox.lease")

EXIT_LOST_LEASE = 70

# Oldest first; rows that another observer is taking at this moment are passed over, so no two ever take the same.
_CLAIM = """
UPDATE runs_run SET observer_id = %(me)s, lease_epoch = lease_epoch + 1
 WHERE id IN (
    SELECT r.id FROM runs_run r
     WHERE r.ending_seq IS NULL
       AND (r.observer_id IS NULL
            OR EXISTS (SELECT 1 FROM runs_observer o WHERE o.id = r.observer_id AND o.lost_at IS NOT NULL))
     ORDER BY r.created_at LIMIT %(room)s FOR NO KEY UPDATE OF r SKIP LOCKED)
RETURNING id, lease_epoch
"""

_DECLARE_LOST = """
UPDATE runs_observer SET lost_at = clock_timestamp()
 WHERE lost_at IS NULL AND beat_at < clock_timestamp() - make_interval(secs => %s)
"""

_BEAT = "UPDATE runs_observer SET beat_at = clock_timestamp() WHERE id = %s AND lost_at IS NULL"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write to one run, until somebody else takes it under a higher epoch."""

    run_id: UUID
    epoch: int


def register() -> UUID:
    """A new observer row of this process start; its id is never used again."""
    return Observer.objects.create(host=socket.gethostname()[:255], process_id=os.getpid(), version=VERSION).id


def claim(observer: UUID, room: int) -> list[Lease]:
    """Up to `room` runs that nobody living owns are owned by `observer`, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"me": observer, "room": room})
        return [Lease(run_id, epoch) for run_id, epoch in cursor.fetchall()]


def declare_losses() -> int:
    """Observers whose beat is too old are lost for good; returns how many were declared now."""
    with connection.cursor() as cursor:
        cursor.execute(_DECLARE_LOST, [settings.OBSERVER_LEASE_S])
        return int(cursor.rowcount)


def owned_by(observer: UUID) -> list[Lease]:
    """The open runs this observer owns, as the database sees it."""
    runs = Run.objects.filter(observer_id=observer, ending_seq=None)
    return [Lease(run_id, epoch) for run_id, epoch in runs.values_list("id", "lease_epoch")]


def hand_back(observer: UUID) -> int:
    """Every run of `observer` is free for others at once, and the observer is gone; returns how many runs."""
    freed = Run.objects.filter(observer_id=observer, ending_seq=None).update(observer_id=None)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE runs_observer SET lost_at = clock_timestamp() WHERE id = %s AND lost_at IS NULL", [observer]
        )
    hub.call_observers()
    return freed


class Heart:
    """Beats for one observer on its own thread and connection, only while the event loop answers.

    An observer that was declared lost must not write again: the process ends at once.
    """

    def __init__(self, observer: UUID, loop: asyncio.AbstractEventLoop) -> None:
        self._observer = observer
        self._loop = loop
        self._stopped = threading.Event()
        self._answered = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)

    def start(self) -> None:
        """The heart beats until it is stopped."""
        self._thread.start()

    def stop(self) -> None:
        """No further beat."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(settings.OBSERVER_BEAT_S / 2):
            self._loop.call_soon_threadsafe(self._answer)
            if time.monotonic() - self._answered > settings.OBSERVER_BEAT_S * 2:
                log.error("the event loop does not answer; not beating")
                continue
            self._beat()

    def _answer(self) -> None:
        self._answered = time.monotonic()

    def _beat(self) -> None:
        try:
            close_old_connections()
            with connection.cursor() as cursor:
                cursor.execute(_BEAT, [self._observer])
                alive = cursor.rowcount == 1
        except DatabaseFault as error:
            log.warning("could not beat, trying again: %s", error)
            return
        if not alive and not self._stopped.is_set():
            log.critical("observer %s was declared lost; its runs belong to others now", self._observer)
            logging.shutdown()
            os._exit(EXIT_LOST_LEASE)
