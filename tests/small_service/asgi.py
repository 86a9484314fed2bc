"""Readiness, an endless stream over SSE and WebSocket, and what the server knows of both."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import django
from django.core.asgi import get_asgi_application

from runs.shutdown import shutdown_of
from runs.streaming.wire import FRAMES, message, written
from tests.small_service.contents import LARGE_MESSAGE, PARTS, REASON, REFUSED, part

Send = Callable[[Mapping[str, Any]], Awaitable[None]]

CHUNK = b"x" * 65536
produced = {"http": 0, "websocket": 0, "ended": 0}

django.setup(set_prefix=False)
pages = get_asgi_application()


async def application(scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send) -> None:
    """`/flood` and `/counted` send as fast as they may, `/idle` waits for the process's end, `/deaf` does not.

    `/long` is an answer of known length in several pieces. Of the WebSockets `/large` sends one message and ends,
    `/refused` says why it sends none.
    """
    if scope["type"] == "websocket":
        await WEBSOCKETS.get(scope["path"], _flood_websocket)(receive, send)
    elif scope["path"] == "/counted":
        await _stream(scope, receive, send, _counted())
    elif scope["path"] == "/flood":
        await _stream(scope, receive, send, _flood())
    elif scope["path"] == "/idle":
        await _stream(scope, receive, send, _until_shutdown(scope))
    elif scope["path"] == "/deaf":
        await _stream(scope, receive, send, _for_ever())
    elif scope["path"] == "/long":
        await _answer(send, *[CHUNK] * 4)
    elif scope["path"] == "/produced":
        await _answer(send, json.dumps(produced).encode())
    else:
        await pages(scope, receive, send)


async def _flood() -> AsyncIterator[bytes]:
    while True:
        produced["http"] += len(CHUNK)
        yield CHUNK
        await asyncio.sleep(0)


async def _counted() -> AsyncIterator[bytes]:
    for number in range(PARTS):
        yield part(number)


async def _until_shutdown(scope: dict[str, Any]) -> AsyncIterator[bytes]:
    yield b"hello\n"
    await shutdown_of(scope).wait()
    yield b"good bye\n"


async def _for_ever() -> AsyncIterator[bytes]:
    yield b"hello\n"
    await asyncio.Event().wait()


async def _stream(scope: dict[str, Any], receive: Any, send: Send, parts: AsyncIterator[bytes]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})

    async def respond() -> None:
        async for body in parts:
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    tasks = {asyncio.create_task(respond()), asyncio.create_task(gone())}
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    produced["ended"] += 1


async def _flood_websocket(receive: Any, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        produced["websocket"] += len(CHUNK)
        await send({"type": "websocket.send", "bytes": CHUNK})
        await asyncio.sleep(0)


async def _large_websocket(receive: Any, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    for pieces in written([message(LARGE_MESSAGE), message(b"the end")]):
        await send({"type": "websocket.send", FRAMES: pieces})
    await send({"type": "websocket.close"})


async def _refused_websocket(receive: Any, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": REFUSED, "reason": REASON})


WEBSOCKETS = {"/large": _large_websocket, "/refused": _refused_websocket}


async def _answer(send: Send, *pieces: bytes) -> None:
    length = str(sum(map(len, pieces))).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"Content-Length", length)]})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
