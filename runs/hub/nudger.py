"""The thread that sends this process's nudges."""

import threading
import time

from runs.hub.outage import Outage
from runs.hub.transport import Send, Transport, TransportLost

COALESCE_SECONDS = 0.01
RECONNECT_SECONDS = 0.5
# More runs than this that moved during one outage are forgotten: their readers poll, and memory has a bound.
MOST_WAITING = 10_000


class Nudger:
    """Takes topics from any thread without making it wait, and sends what came within 10 ms at once."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._waiting: set[str] = set()
        self._added = threading.Condition()
        threading.Thread(target=self._run, name="nudger", daemon=True).start()

    def add(self, topic: str) -> None:
        """The topic is sent soon, whatever the transport is doing."""
        with self._added:
            if len(self._waiting) < MOST_WAITING:
                self._waiting.add(topic)
                self._added.notify()

    def _run(self) -> None:
        outage = Outage(meaning="nudges are held back, readers poll", transport=self._transport.name)
        while True:
            try:
                with self._transport.sender() as send:
                    outage.is_over()
                    while True:
                        self._send_next(send)
                        time.sleep(COALESCE_SECONDS)
            except Exception as error:  # whatever it is: without this thread everybody would poll for good
                outage.goes_on(error)
            time.sleep(RECONNECT_SECONDS)

    def _send_next(self, send: Send) -> None:
        topics = self._take()
        try:
            send(set(topics))
        except TransportLost:
            self._put_back(topics)  # some may have gone out already: a doubled nudge does no harm
            raise

    def _take(self) -> set[str]:
        with self._added:
            while not self._waiting:
                self._added.wait()
            taken, self._waiting = self._waiting, set()
            return taken

    def _put_back(self, topics: set[str]) -> None:
        with self._added:
            self._waiting |= topics
