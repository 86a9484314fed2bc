"""The thread that calls the queue: something was committed that is to be carried out, somebody should look."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator

from django.db import DEFAULT_DB_ALIAS, connections
from django.db import Error as DatabaseFault

log = logging.getLogger("signalbox.hub")

EVERY_SECONDS = 0.2
QUIET_SECONDS = 5.0
RECONNECT_SECONDS = 0.5


class Kicker:
    """Kicks at once, and again at most every 200 ms for as long as somebody asks; nobody who asks waits.

    A kick that fails is lost: what it was for stays in the tables, and a schedule looks there, too.
    """

    def __init__(self, kick: Callable[[], None]) -> None:
        self._kick = kick
        self._is_asked = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_away = False

    def ask(self) -> None:
        """A kick comes soon, and finds whatever was committed before."""
        self._is_asked.set()
        if self._thread is None:
            self._start()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="kicker", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._is_asked.wait()
            try:
                with own_connection():
                    self._kick_until_quiet()
            except DatabaseFault as error:
                self._goes_on(error)
            except Exception:  # whatever it is: without this thread the queue would be called no more
                log.exception("the queue could not be called")
                time.sleep(RECONNECT_SECONDS)

    def _kick_until_quiet(self) -> None:
        while self._is_asked.wait(QUIET_SECONDS):
            self._is_asked.clear()
            self._kick()
            self._is_away = False
            time.sleep(EVERY_SECONDS)

    def _goes_on(self, error: DatabaseFault) -> None:
        """The database is away, or still is, which is not worth another line."""
        if not self._is_away:
            log.warning("the queue is not called until the database answers: %s", str(error).partition("\n")[0])
        self._is_away = True
        time.sleep(RECONNECT_SECONDS)


@contextlib.contextmanager
def own_connection() -> Iterator[None]:
    """Whatever touches rows on this thread does so over a connection that is none of the pool's: others may have those."""
    own = connections[DEFAULT_DB_ALIAS].copy()
    own.settings_dict["OPTIONS"].pop("pool", None)
    own.settings_dict["CONN_MAX_AGE"] = None
    connections[DEFAULT_DB_ALIAS] = own
    try:
        yield
    finally:
        own.close()
