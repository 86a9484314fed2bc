"""A TCP proxy on loopback that stands before PostgreSQL or a runtime and fails as networks do."""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Protocol, Self

HOST = "127.0.0.1"
CHUNK = 65_536
PATIENCE_SECONDS = 10.0
_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: the other side gets a reset, and nothing that was still under way


class Cut(Exception):
    """Raised by a filter: this connection is cut, and what it had in hand is lost."""


class Filter(Protocol):
    """What one connection's bytes pass through; each half is called by one task only. Raises Cut."""

    async def up(self, data: bytes) -> bytes:
        """What goes on to the server."""

    async def down(self, data: bytes) -> bytes:
        """What goes on to the client."""


class PassThrough:
    """Changes nothing."""

    async def up(self, data: bytes) -> bytes:
        return data

    async def down(self, data: bytes) -> bytes:
        return data


class Proxy:
    """Passes everything on, until it is told to fail. Use as a context manager; its methods may be called from any thread.

    Every method returns once the fault is in force, for the connections there are and for those to come.
    """

    def __init__(self, host: str, port: int, *, filters: Callable[[], Filter] = PassThrough) -> None:
        self.port = 0
        self.accepted = 0
        self._server_address = (host, port)
        self._filters = filters
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._listener: asyncio.Server | None = None
        self._relays: set[asyncio.Task[None]] = set()
        self._is_open = {"up": asyncio.Event(), "down": asyncio.Event()}
        self._delay = (0.0, 0.0)

    def __enter__(self) -> Self:
        self._thread.start()
        self.pass_through()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_SECONDS)
        self._loop.close()

    @property
    def address(self) -> str:
        """Where clients connect instead of the server."""
        return f"{HOST}:{self.port}"

    @property
    def connections(self) -> int:
        """How many connections there are right now."""
        return len(self._relays)

    def pass_through(self) -> None:
        """Everything is passed on at once, and new connections are accepted; what a black hole held goes on."""
        self._do(self._listen())
        self._do(self._set(up=True, down=True, delay=(0.0, 0.0)))

    def cut(self) -> None:
        """Every connection is cut; new ones are accepted."""
        self._do(self._cut_all())

    def refuse(self) -> None:
        """Whoever connects is refused; the connections there are go on."""
        self._do(self._deafen())

    def go_away(self) -> None:
        """Every connection is cut, and whoever connects is refused: as if the server's machine had gone."""
        self.refuse()
        self.cut()

    def black_hole(self, *, up: bool = True, down: bool = True) -> None:
        """Connections stay and are accepted, but nothing is passed on to the server (up) or from it (down)."""
        self._do(self._set(up=not up, down=not down, delay=self._delay))

    def delay(self, seconds: float, *, jitter: float = 0.0) -> None:
        """Everything is passed on so much later, in either direction."""
        self._do(self._set(up=True, down=True, delay=(seconds, jitter)))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_SECONDS)

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(self._accept, HOST, self.port)
            self.port = self._listener.sockets[0].getsockname()[1]

    async def _deafen(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()

    async def _set(self, *, up: bool, down: bool, delay: tuple[float, float]) -> None:
        for name, is_open in (("up", up), ("down", down)):
            gate = self._is_open[name]
            (gate.set if is_open else gate.clear)()
        self._delay = delay

    async def _cut_all(self) -> None:
        relays = set(self._relays)
        for relay in relays:
            relay.cancel()
        if relays:
            await asyncio.wait(relays)

    async def _close(self) -> None:
        await self._deafen()
        await self._cut_all()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "called in a task of its own"
        self.accepted += 1
        self._relays.add(task)
        ends = [writer]
        try:
            upstream, server = await asyncio.open_connection(*self._server_address)
            ends.append(server)
            await self._relay(reader, writer, upstream, server)
            for end in ends:
                end.close()
        except (Cut, OSError, asyncio.CancelledError):
            for end in ends:
                _reset(end)
        finally:
            self._relays.discard(task)

    async def _relay(
        self,
        client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> None:
        """Returns when one side has closed the connection and everything it said before has been passed on."""
        filter_ = self._filters()
        pumps = {
            asyncio.create_task(self._pump("up", client, to_server, filter_.up)),
            asyncio.create_task(self._pump("down", server, to_client, filter_.down)),
        }
        try:
            done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in done:
                pump.result()
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(
        self,
        direction: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        passed_on: Callable[[bytes], Awaitable[bytes]],
    ) -> None:
        gate = self._is_open[direction]
        while True:
            await gate.wait()
            data = await reader.read(CHUNK)
            if not data:
                return
            seconds, jitter = self._delay
            if seconds:
                await asyncio.sleep(seconds + jitter * random.uniform(-1, 1))
            data = await passed_on(data)
            await gate.wait()  # it may have been closed since
            writer.write(data)
            await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    writer.transport.abort()
