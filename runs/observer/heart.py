"""Heart: an observer's beat, on a thread and connection of its own, and its end when it can no longer be sure of its runs.

The process ends at once (exit status 70) when it was declared lost, and when no beat has got through for two thirds of the
lease by the monotonic clock: the database is away, the event loop does not answer, or the process was stopped and woke up.
That is watched by a second thread, for a beat may hang in a connection that nobody answers. Its runs then belong to others,
or soon will; whoever started it starts a new one.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import close_old_connections

from runs.models.observer import LEASE_PART
from runs.observer import lease

log = logging.getLogger("signalbox.lease")

EXIT_LOST_LEASE = 70
# Looked at this often between two beats: a process that was stopped and woke up ends before it has done much.
GLANCES_PER_BEAT = 10
LAST_WORDS_SECONDS = 1.0


class Heart:
    """Beats for one observer while its event loop answers."""

    def __init__(self, observer: UUID, loop: asyncio.AbstractEventLoop) -> None:
        self._observer = observer
        self._loop = loop
        self._stopped = threading.Event()
        self._renewed = self._answered = time.monotonic()
        self._next_beat = 0.0
        self._threads = [
            threading.Thread(target=self._again_and_again, args=[look], name=name, daemon=True)
            for name, look in (("heart", self._beat_if_due), ("pulse", self._glance))
        ]

    def start(self) -> None:
        """The heart beats until it is stopped."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """No further beat."""
        self._stopped.set()

    def _again_and_again(self, look: Callable[[], None]) -> None:
        while not self._stopped.is_set():
            try:
                look()
            except Exception:
                log.exception("a beat failed; the heart goes on")  # without it the observer would live unseen
            self._stopped.wait(settings.OBSERVER_BEAT_S / GLANCES_PER_BEAT)

    def _glance(self) -> None:
        silent = time.monotonic() - self._renewed
        if silent > settings.OBSERVER_LEASE_S * LEASE_PART:
            self._end(f"has not renewed its lease for {silent:.1f} s")
        self._loop.call_soon_threadsafe(self._answer)

    def _answer(self) -> None:
        self._answered = time.monotonic()

    def _beat_if_due(self) -> None:
        if time.monotonic() >= self._next_beat:
            self._beat()

    def _beat(self) -> None:
        """One beat has got through, or will be tried again at the next glance."""
        began = time.monotonic()
        if began - self._answered > settings.OBSERVER_BEAT_S:
            log.error("the event loop does not answer; not beating")
            return
        try:
            close_old_connections()
            is_alive = lease.beat(self._observer)
        except DatabaseFault as error:
            log.warning("could not beat, trying again: %s", error)
            return
        if not is_alive:
            self._end("was declared lost")
        self._renewed = began  # from when it was sent: the answer may have been long on its way
        self._next_beat = began + settings.OBSERVER_BEAT_S

    def _end(self, why: str) -> None:
        if self._stopped.is_set():
            return
        last_words = threading.Timer(LAST_WORDS_SECONDS, os._exit, [EXIT_LOST_LEASE])
        last_words.daemon = True
        last_words.start()  # the log may hang with whatever hangs the rest
        log.critical("observer %s %s; its runs belong to others now", self._observer, why)
        logging.shutdown()
        os._exit(EXIT_LOST_LEASE)
