"""A hub of a test's own: over any transport, with threads that end with the test."""

import contextlib
import threading
from collections.abc import Iterator

import pytest

from runs import hub
from runs.hub.ends import Ends
from runs.hub.transport import Send, Transport, TransportLost

PATIENCE = 15.0
END = "end"
# pytest reports every exception of a thread, this one too, which is how they end here.
threads_end = pytest.mark.filterwarnings(r"ignore:Exception in thread (nudger|listener)[\s\S]*SystemExit")


@contextlib.contextmanager
def own_hub(transport: Transport) -> Iterator[None]:
    """Until it is left, this process nudges and listens over `transport`, which must answer or be away by then."""
    mortal = Mortal(transport)
    former, hub._ends = hub._ends, Ends(lambda: mortal)
    before = set(threading.enumerate())
    try:
        yield
    finally:
        mortal.is_over = True
        hub._ends.nudger().add(END)  # wakes both ends, which find that it is over
        hub._ends = former
        for thread in set(threading.enumerate()) - before:
            if thread.name in ("nudger", "listener"):
                thread.join(PATIENCE)
                assert not thread.is_alive(), f"the {thread.name} did not end"


class Mortal:
    """Passes everything on, and ends the threads that use it once it is over; those of a process never do."""

    def __init__(self, transport: Transport) -> None:
        self.name = transport.name
        self.is_over = False
        self._transport = transport

    @contextlib.contextmanager
    def sender(self) -> Iterator[Send]:
        try:
            with self._transport.sender() as send:

                def send_on(topics: set[str]) -> None:
                    send(topics)
                    if END in topics:
                        raise SystemExit  # of this thread

                yield send_on
        except TransportLost:
            self._end_if_over()
            raise

    @contextlib.contextmanager
    def receiver(self) -> Iterator[Iterator[list[str]]]:
        self._end_if_over()
        with self._transport.receiver() as batches:
            yield self._until_over(batches)

    def _until_over(self, batches: Iterator[list[str]]) -> Iterator[list[str]]:
        for topics in batches:
            self._end_if_over()
            yield topics

    def _end_if_over(self) -> None:
        if self.is_over:
            raise SystemExit  # of this thread
