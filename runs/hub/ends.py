"""The two ends of the hub in one process, each started once, by whoever needs it first."""

import threading
from collections.abc import Callable

from runs.hub.listener import Listener
from runs.hub.nudger import Nudger
from runs.hub.transport import Transport


class Ends:
    """One nudger and one listener, however many threads ask for them at once: each holds a connection."""

    def __init__(self, choose: Callable[[], Transport]) -> None:
        self._choose = choose
        self._starting = threading.Lock()
        self._nudger: Nudger | None = None
        self._listener: Listener | None = None

    def nudger(self) -> Nudger:
        """The process's nudger, started."""
        with self._starting:
            if self._nudger is None:
                self._nudger = Nudger(self._choose())
            return self._nudger

    def listener(self) -> Listener:
        """The process's listener, started."""
        with self._starting:
            if self._listener is None:
                self._listener = Listener(self._choose())
            return self._listener
