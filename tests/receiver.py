"""A web server on loopback that answers as a test says, over sockets, and keeps what it was sent."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Receiver:
    """One server and what reached it; `connections` counts those that sent nothing, too."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self.port = 0
        self._behaviour = behaviour

    @property
    def head(self) -> list[str]:
        """The lines before the body of the only request."""
        (request,) = self.requests
        return request.partition(b"\r\n\r\n")[0].decode().split("\r\n")

    @property
    def body(self) -> bytes:
        """The body of the only request."""
        (request,) = self.requests
        return request.partition(b"\r\n\r\n")[2]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
            self.requests.append(head + await reader.readexactly(int(length.partition(b":")[2])))
            await self._behaviour(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # whoever called hung up
        finally:
            writer.close()


def headers_in(request: bytes) -> dict[str, str]:
    """The headers of one request, their names in lower case; one that stands there twice is refused."""
    lines = request.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    said = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    assert len(said) == len(dict(said)), said
    return dict(said)


@contextlib.asynccontextmanager
async def receiving(
    behaviour: Behaviour, *, address: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """A receiver that behaves so, on a free port of `address`."""
    receiver = Receiver(behaviour)
    calls: set[asyncio.Task[None]] = set()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.add(asyncio.create_task(receiver.serve(reader, writer)))

    server = await asyncio.start_server(serve, address, 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


def answering(status: int, body: bytes = b"", *headers: str) -> Behaviour:
    """Answers `status` at once."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers, "", ""]

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return answer


def saying(data: bytes) -> Behaviour:
    """Says `data`, whatever it is, and hangs up."""

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return say


def dribbling(first: bytes) -> Behaviour:
    """Says `first` at once and then a byte each second, for ever."""

    async def dribble(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            await writer.drain()
            await asyncio.sleep(1)
            writer.write(b"x")

    return dribble


def pouring(first: bytes, again: bytes) -> Behaviour:
    """Says `first`, and then `again` as fast as it is read, for ever."""

    async def pour(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(again)
            await writer.drain()

    return pour


def resetting(first: bytes = b"") -> Behaviour:
    """Says `first` and resets the connection, as a receiver does that was killed."""

    async def reset(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        await writer.drain()
        taken: socket.socket = writer.get_extra_info("socket")
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return reset
