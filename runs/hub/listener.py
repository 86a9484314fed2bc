"""The thread that receives nudges for all subscribers of this process."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable

from runs.hub.nudges import Nudges
from runs.hub.outage import Outage
from runs.hub.transport import WORK, Transport

RECONNECT_SECONDS = 0.5
# Topics that are never sent: whoever watches all runs, and whoever asks what was missed as soon as this process hears again.
ANY_RUN = "any run"
RETURN = "return"


class Listener:
    """Wakes the subscribers of what is received; whenever something may have been missed, those who look after all."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._subscribers: defaultdict[str, set[Nudges]] = defaultdict(set)
        self._lock = threading.Lock()
        threading.Thread(target=self._run, name="listener", daemon=True).start()

    def add(self, topic: str, nudges: Nudges) -> None:
        """`nudges` is woken by the topic from now on."""
        with self._lock:
            self._subscribers[topic].add(nudges)

    def remove(self, topic: str, nudges: Nudges) -> None:
        """Nothing of the subscription is left."""
        with self._lock:
            self._subscribers[topic].discard(nudges)
            if not self._subscribers[topic]:
                del self._subscribers[topic]

    def _run(self) -> None:
        outage = Outage(meaning="nothing is heard of other processes, readers poll", transport=self._transport.name)
        while True:
            try:
                with self._transport.receiver() as batches:
                    outage.is_over()
                    self._return()
                    for topics in batches:
                        self._tell(topics)
            except Exception as error:  # whatever it is: without this thread everybody would poll for good
                outage.goes_on(error)
            time.sleep(RECONNECT_SECONDS)

    def _tell(self, topics: list[str]) -> None:
        are_of_runs = topics != [WORK]
        for nudges in self._of([*topics, ANY_RUN] if are_of_runs else topics):
            nudges.hear(topics)

    def _return(self) -> None:
        """Whatever was missed while nobody listened is looked for; once for all single runs, however many are watched."""
        for nudges in self._of([RETURN, WORK, ANY_RUN]):
            nudges.wake()

    def _of(self, topics: Iterable[str]) -> list[Nudges]:
        with self._lock:
            return [nudges for topic in topics for nudges in self._subscribers.get(topic, ())]
