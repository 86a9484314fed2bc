"""WebSockets of the whole application in this process: opened as a client opens them, and read to their close."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import orjson
from channels.testing import WebsocketCommunicator

from config.asgi import application
from runs.shutdown import SCOPE_KEY, Shutdown

PATIENCE = 10
KEY = (b"authorization", b"Bearer k")  # under AUTH_API_KEYS=test=k


@contextlib.asynccontextmanager
async def connected(
    path: str, *headers: tuple[bytes, bytes], shutdown: Shutdown | None = None
) -> AsyncIterator[WebsocketCommunicator]:
    """A WebSocket that was accepted; it is closed by the client at the end."""
    socket = WebsocketCommunicator(application, path, headers=[(b"host", b"localhost"), *headers])
    if shutdown is not None:
        socket.scope[SCOPE_KEY] = shutdown
    assert (await socket.connect(PATIENCE))[0]
    yield socket
    await socket.disconnect(timeout=PATIENCE)


async def close_of(socket: WebsocketCommunicator) -> tuple[list[dict[str, Any]], int, str]:
    """Every message up to the close; its code and its reason."""
    told = []
    while (message := await socket.receive_output(PATIENCE))["type"] == "websocket.send":
        told.append(orjson.loads(message["text"]))
    return told, message["code"], message.get("reason") or ""
