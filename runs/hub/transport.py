"""What carries topics from the nudgers of all processes to the listeners of all processes, and what may go wrong.

It may lose them, double them and change their order. It must not do that in silence for long: an end that has lost its
connection has to notice, so that it can come back and its readers look at the rows.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

# A topic is the hex number of a run that moved, or this: there may be runs to own.
WORK = "work"

Send = Callable[[set[str]], None]


class TransportLost(Exception):
    """The transport does not answer."""


class Transport(Protocol):
    """Used from the hub's own threads only, so it may wait, but never for ever on somebody who does not answer."""

    name: str  # as the log calls it

    def sender(self) -> AbstractContextManager[Send]:
        """Connected to send. Raises TransportLost, and so does every call of what it yields."""

    def receiver(self) -> AbstractContextManager[Iterator[list[str]]]:
        """What is sent from now on, as it comes: nothing falls between. Raises TransportLost, also while waiting."""
