"""Under uvicorn what a crowd is sent goes out as it was built: the same bytes, once the reader has taken the former."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState

from config.uvicorn_frames import WebSocketFrames
from runs.streaming.wire import EXTENSION, FRAMES, message

HANDSHAKE = (
    b"GET /ws/runs HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%b\r\n"
)
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
[BUILT_ONCE] = message(b'{"type":"heartbeat"}')

Send = Callable[[Any], Awaitable[None]]


class Wire(asyncio.Transport):
    """Remembers what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: Any) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """The connection is lost when the test says so."""


class Connection:
    """A handshake with an application that only waits to be told what to send."""

    def __init__(self, *, deflates: bool = False, asks_for: bytes = b"") -> None:
        self.scope: dict[str, Any] = {}
        self.send: Send
        self._accepted = asyncio.Event()
        config = Config(self._application, interface="asgi3", ws_per_message_deflate=deflates, log_level="error")
        self.protocol = WebSocketFrames(config, ServerState(), {})
        self.wire = Wire()
        self.protocol.connection_made(self.wire)
        self.protocol.data_received(HANDSHAKE % asks_for)

    async def accepted(self) -> None:
        await self._accepted.wait()

    async def _application(self, scope: Any, receive: Any, send: Send) -> None:
        self.scope, self.send = scope, send
        await send({"type": "websocket.accept"})
        self._accepted.set()
        await asyncio.Event().wait()


async def test_the_bytes_that_were_built_are_the_bytes_that_are_written() -> None:
    connection = Connection()
    await connection.accepted()
    assert EXTENSION in connection.scope["extensions"]

    await connection.send({"type": "websocket.send", FRAMES: BUILT_ONCE})
    assert connection.wire.written[-1] is BUILT_ONCE


async def test_other_messages_are_encoded_as_ever() -> None:
    connection = Connection()
    await connection.accepted()
    await connection.send({"type": "websocket.send", "text": '{"type":"heartbeat"}'})
    assert connection.wire.written[-1] == BUILT_ONCE


async def test_a_reader_that_is_behind_is_waited_for() -> None:
    connection = Connection()
    await connection.accepted()
    connection.protocol.pause_writing()
    sending = asyncio.ensure_future(connection.send({"type": "websocket.send", FRAMES: BUILT_ONCE}))
    await asyncio.wait({sending}, timeout=0.05)
    assert connection.wire.written[-1] is not BUILT_ONCE
    connection.protocol.resume_writing()
    await sending
    assert connection.wire.written[-1] is BUILT_ONCE


@pytest.mark.parametrize("is_behind", [False, True])
async def test_whoever_has_gone_is_sent_nothing(is_behind: bool) -> None:
    connection = Connection()
    await connection.accepted()
    if is_behind:
        connection.protocol.pause_writing()
    sending = asyncio.ensure_future(connection.send({"type": "websocket.send", FRAMES: BUILT_ONCE}))
    if not is_behind:
        await sending
        sending = asyncio.ensure_future(connection.send({"type": "websocket.send", FRAMES: BUILT_ONCE}))
    connection.protocol.connection_lost(None)
    with pytest.raises(ClientDisconnected):
        await sending
    assert connection.wire.written.count(BUILT_ONCE) == (0 if is_behind else 1)


async def test_after_a_close_frame_nothing_follows() -> None:
    connection = Connection()
    await connection.accepted()
    await connection.send({"type": "websocket.close", "code": 1000})
    closed = list(connection.wire.written)
    with pytest.raises(ClientDisconnected):
        await connection.send({"type": "websocket.send", FRAMES: BUILT_ONCE})
    assert connection.wire.written == closed


async def test_where_messages_are_compressed_each_is_encoded_for_its_reader() -> None:
    connection = Connection(deflates=True, asks_for=DEFLATE)
    await connection.accepted()
    assert EXTENSION not in connection.scope["extensions"]
