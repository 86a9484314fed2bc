"""A connection whose writes go to the socket at once, instead of when the event loop next says that it has room."""

from typing import Any

from twisted.internet import tcp


class WriteThroughConnection(tcp.Server):
    """Only what the socket does not take at once waits for the reactor.

    Twisted has the event loop tell about room for every write, and then stop telling. A stream writes little to sockets
    that nearly always have room, so that this is a large part of what a frame costs.
    """

    def startWriting(self) -> None:
        """What was handed over is on its way, or waits for room."""
        # Something left over: the reactor is at it, and order is kept. Nothing at all: somebody closes the connection,
        # which is the reactor's to do.
        is_the_reactors = self.dataBuffer or not self._tempDataBuffer
        # What goes wrong here goes wrong again for the reactor, which knows what follows from it.
        if is_the_reactors or self.doWrite() is not None or self.dataBuffer:  # type: ignore[no-untyped-call]
            super().startWriting()  # type: ignore[no-untyped-call]


def write_through(port: Any) -> None:
    """Connections accepted on the listening port from now on write through."""
    port.transport = WriteThroughConnection
