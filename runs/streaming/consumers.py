"""/ws/runs/{id}: the frames of a run as WebSocket messages, refused and ended by close codes.

A handshake is accepted first, so that browsers are told the code; what would be a 404 for SSE closes with 4404 here.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import orjson
from channels.generic.websocket import AsyncWebsocketConsumer

from runs.errors import (
    ControlPlaneError,
    CursorAhead,
    Forbidden,
    RateLimited,
    RunNotFound,
    Unauthenticated,
    ValidationFailed,
)
from runs.shutdown import shutdown_of
from runs.streaming.burst import Burst
from runs.streaming.frame import Frame
from runs.streaming.handshake import request_of
from runs.streaming.opening import open_stream
from runs.streaming.wire import EXTENSION, FRAMES

log = logging.getLogger("signalbox.streaming")

ENDED, RESTARTS, FAILED, TOO_MANY = 1000, 1012, 1011, 4429
REFUSALS: Mapping[type[ControlPlaneError], int] = {
    ValidationFailed: 4400,
    Unauthenticated: 4401,
    Forbidden: 4403,
    RunNotFound: 4404,
    CursorAhead: 4409,
    RateLimited: TOO_MANY,
}
CLOSE_CODES: Mapping[str, int] = {kind.code: code for kind, code in REFUSALS.items()}
LONGEST_REASON = 123  # bytes, as the protocol has it
MESSAGES_PER_SECOND = 20  # that a client may send, though nobody listens


class StreamConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One WebSocket on which only the server speaks."""

    async def connect(self) -> None:
        """The connection stands; what it is sent is decided beside it, so that its end is noticed at any time."""
        self._said: deque[float] = deque(maxlen=MESSAGES_PER_SECOND)
        await self.accept()
        self._speaking = asyncio.create_task(self._speak())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """What clients say is ignored; who says too much is closed."""
        now = time.monotonic()
        if len(self._said) == MESSAGES_PER_SECOND and now - self._said[0] < 1:
            self._speaking.cancel()
            await self._end(TOO_MANY, "too many messages")
        self._said.append(now)

    async def disconnect(self, code: int) -> None:
        """The client is gone, and nothing of its stream is left."""
        self._speaking.cancel()
        await asyncio.wait({self._speaking})

    async def __call__(self, *arguments: Any) -> None:
        """Serves the connection; a server that cancels it leaves no task behind."""
        try:
            await super().__call__(*arguments)
        finally:
            if (speaking := getattr(self, "_speaking", None)) is not None:
                speaking.cancel()

    async def stream(self) -> int:
        """Send everything there is to say; the close code."""
        raise NotImplementedError

    async def send_all(self, bursts: AsyncGenerator[Burst]) -> int:
        """Every frame is sent, one a message, and the bursts are closed; the close code that follows from the last."""
        frame: Frame | None = None
        send = self._write if EXTENSION in self.scope.get("extensions", {}) else self._send
        async with contextlib.aclosing(bursts):
            async for burst in bursts:
                await send(burst)
                frame = burst[-1]
        return RESTARTS if frame is None else _code_after(frame)

    async def _send(self, burst: Burst) -> None:
        for frame in burst:
            await self.send(text_data=frame.text)

    async def _write(self, burst: Burst) -> None:
        # Messages of their own, but built once for everybody and written together.
        for pieces in burst.wire:
            await self.base_send({"type": "websocket.send", FRAMES: pieces})

    async def _speak(self) -> None:
        try:
            code, reason = await self.stream(), ""
        except ControlPlaneError as error:
            code, reason = CLOSE_CODES.get(error.code, FAILED), error.message
        except OSError:  # the client has gone while it was sent something
            return
        except Exception:
            log.exception("a stream failed")
            code, reason = FAILED, "The stream failed."
        await self._end(code, reason)

    async def _end(self, code: int, reason: str) -> None:
        # Whoever has gone meanwhile needs no close.
        with contextlib.suppress(Exception):
            await self.close(code, reason.encode()[:LONGEST_REASON].decode(errors="ignore"))


class RunConsumer(StreamConsumer):
    """The stream of one run."""

    async def stream(self) -> int:
        """Its frames, one a message; ended, broken off with an error, or to be resumed at another connection."""
        opening = await open_stream(request_of(self.scope), self.scope["url_route"]["kwargs"]["run_id"])
        if opening is None:
            return ENDED
        with opening.seat:
            return await self.send_all(opening.bursts(shutdown_of(self.scope)))


class NowhereConsumer(StreamConsumer):
    """An address at which there is no stream."""

    async def stream(self) -> int:
        """Nothing to say."""
        return CLOSE_CODES[RunNotFound.code]


def _code_after(last: Frame) -> int:
    if last.event == "end":
        return ENDED
    if last.event == "error":
        return CLOSE_CODES.get(orjson.loads(last.data)["errorCode"], FAILED)
    return RESTARTS
