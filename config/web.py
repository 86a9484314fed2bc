"""The web server: Daphne, with back-pressure and a polite end.

Daphne's own `send` returns at once, so a client that never reads costs memory without bound, and at SIGTERM Daphne
cancels every application. Here `send` waits while the connection's buffer is full; a reader that stays too slow is cut
off; and at SIGTERM streams are told to end before anything is cancelled.
"""

# First: importing it installs the asyncio reactor, before anything else can install another one.
from daphne import server as daphne  # isort: skip

import asyncio
import logging
import signal
from collections.abc import MutableMapping
from typing import Any

from daphne.endpoints import build_endpoint_description_strings

from config.lifespan import Application, Lifespan
from config.web_refusals import Factory
from config.write_through import write_through
from runs.shutdown import SCOPE_KEY, Shutdown
from runs.streaming.wire import EXTENSION, FRAMES

GRACE_S = 5.0
LAST_WORDS_S = 0.1
LAST_REPORT_S = 1.5
READER_TOO_SLOW = 4408
CLOSE_PATIENCE_S = 10.0
MOST_HEARD_BYTES = 64 * 1024

log = logging.getLogger("signalbox.web")

Message = MutableMapping[str, Any]


class WriteGate:
    """Closed while the send buffer of a connection is full; to Twisted it is a push producer (IPushProducer)."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()

    @property
    def is_open(self) -> bool:
        """True while more may be sent."""
        return self._open.is_set()

    async def wait_open(self, timeout_s: float) -> bool:
        """True once more may be sent; False when the reader has not emptied the buffer in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._open.wait()
        except TimeoutError:
            return False
        return True

    def pauseProducing(self) -> None:
        """The buffer is full."""
        self._open.clear()

    def resumeProducing(self) -> None:
        """The buffer is empty."""
        self._open.set()

    def stopProducing(self) -> None:
        """The connection is lost: nobody needs to wait any longer."""
        self._open.set()


class WebServer(daphne.Server):  # type: ignore[misc]
    """Serves one ASGI application on one address until SIGTERM or SIGINT."""

    def __init__(
        self, application: Application, *, host: str, port: int, send_timeout_s: float, most_body_bytes: int
    ) -> None:
        super().__init__(
            application,
            endpoints=build_endpoint_description_strings(host=host, port=port),
            # Ours come instead: Twisted's would stop the reactor and so cut every stream.
            signal_handlers=False,
            ping_interval=20,
            ping_timeout=20,
            # Nobody listens to what clients say on a WebSocket.
            websocket_max_message_size=MOST_HEARD_BYTES,
            websocket_max_frame_size=MOST_HEARD_BYTES,
            server_name="",
        )
        self.shutdown = Shutdown()
        self.failure = ""
        self.most_body_bytes = most_body_bytes
        self._send_timeout_s = send_timeout_s
        self._gates: dict[Any, WriteGate] = {}
        self._ports: list[Any] = []
        self._end: asyncio.Task[None] | None = None
        self._lifespan = Lifespan(application)

    def run(self) -> None:
        """The server has ended; `failure` says why if it could not listen."""
        daphne.HTTPFactory = Factory  # it is made by this name, in the middle of what comes now
        for number in (signal.SIGTERM, signal.SIGINT):
            daphne.twisted_loop.add_signal_handler(number, self.begin_shutdown)
        self._lifespan.begin(daphne.twisted_loop)
        super().run()

    def begin_shutdown(self) -> None:
        """Nothing new is accepted, streams have been asked to end; at most `GRACE_S` seconds later the server ends."""
        if self._end is None:
            self._end = asyncio.ensure_future(self._end_politely(), loop=daphne.twisted_loop)

    def listen_success(self, port: Any) -> None:
        """The listening port is remembered, to be closed at the end."""
        write_through(port)
        self._ports.append(port)
        super().listen_success(port)

    def listen_error(self, failure: Any) -> None:
        """The server ends, with the reason in `failure`."""
        self.failure = failure.getErrorMessage()
        super().listen_error(failure)

    def protocol_connected(self, protocol: Any) -> None:
        """A request has begun, and its body will reach the application untouched."""
        # Twisted would read forms first, in full, and refuse a broken one with a bare 400 instead of our 415.
        protocol._parsePOSTFormSubmission = False
        super().protocol_connected(protocol)

    def create_application(self, protocol: Any, scope: Message) -> object:
        """An application serves the connection; its scope holds the shutdown flag, its buffer has a gate."""
        gate = self._gates[protocol] = WriteGate()
        # On an HTTP connection requests follow one another: the newest takes the place of the last. A WebSocket
        # has taken the transport over from the HTTP channel that is still registered there.
        if scope["type"] == "http":
            consumer = protocol.channel
        else:
            consumer = protocol.transport
            scope.setdefault("extensions", {})[EXTENSION] = {}
            # A close frame stands behind all that a slow reader has still to read.
            protocol.closeHandshakeTimeout = CLOSE_PATIENCE_S
        consumer.unregisterProducer()
        consumer.registerProducer(gate, True)
        scope[SCOPE_KEY] = self.shutdown
        return super().create_application(protocol, scope)

    def protocol_disconnected(self, protocol: Any) -> None:
        """Whoever waits to send on the connection has been released."""
        gate = self._gates.pop(protocol, None)
        if gate is not None:
            gate.stopProducing()
        super().protocol_disconnected(protocol)

    async def handle_reply(self, protocol: Any, message: Message) -> None:
        """The message is sent, and the buffer has room again or the connection is cut.

        The last part of a response waits for nobody: its application has nothing more to hold back.
        """
        if FRAMES in message:
            self._write_frames(protocol, message[FRAMES])
        elif message["type"] == "websocket.close" and message.get("reason"):
            self._close(protocol, message)
        else:
            await super().handle_reply(protocol, message)
        gate = self._gates.get(protocol)
        if gate is None or gate.is_open or not _more_may_follow(message):
            return
        if not await gate.wait_open(self._send_timeout_s):
            log.warning("cut off a reader that was slower than %g s", self._send_timeout_s)
            self._cut(protocol, message)

    def _write_frames(self, protocol: Any, frames: bytes) -> None:
        # After a close frame nothing may follow.
        if protocol in self.connections and protocol.state == protocol.STATE_OPEN:
            protocol.sendData(frames)

    def _close(self, protocol: Any, message: Message) -> None:
        # Daphne would send the code and forget the reason.
        if protocol in self.connections and protocol.state == protocol.STATE_OPEN:
            protocol.sendClose(code=message["code"], reason=message["reason"])

    def _cut(self, protocol: Any, message: Message) -> None:
        if message["type"].startswith("websocket."):
            # Autobahn drops the connection if the reader does not take the close frame in time either.
            protocol.sendClose(code=READER_TOO_SLOW, reason="reader too slow")
        else:
            protocol.transport.abortConnection()

    async def _end_politely(self) -> None:
        for port in self._ports:
            port.stopListening()
        self.shutdown.begin()
        running = [details.get("application_instance") for details in self.connections.values()]
        if applications := [application for application in running if application is not None]:
            await asyncio.wait(applications, timeout=GRACE_S)
        await self._lifespan.end(within_s=LAST_REPORT_S)
        # What they wrote last is still in our buffers.
        await asyncio.sleep(LAST_WORDS_S)
        self.stop()


def _more_may_follow(message: Message) -> bool:
    if message["type"] == "http.response.body":
        return bool(message.get("more_body", False))
    return bool(message["type"] == "websocket.send")
