"""The life of the server, told to the application as ASGI has it; Daphne itself tells nothing."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

log = logging.getLogger("signalbox.web")

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]


class Lifespan:
    """One application's; one that does not listen is left alone."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._told: asyncio.Queue[Message] = asyncio.Queue()
        self._listening: asyncio.Task[None] | None = None

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """The application is told that the server starts as soon as the loop runs."""
        self._told.put_nowait({"type": "lifespan.startup"})
        self._listening = loop.create_task(self._listen())

    async def end(self, *, within_s: float) -> None:
        """The application was told that the server ends, and has done what it had to, or its time is over."""
        self._told.put_nowait({"type": "lifespan.shutdown"})
        if self._listening is not None:
            await asyncio.wait({self._listening}, timeout=within_s)

    async def _listen(self) -> None:
        try:
            await self._application({"type": "lifespan", "asgi": {"version": "3.0"}}, self._told.get, self._hear)
        except Exception as error:
            log.debug("the application does not listen to the life of its server: %r", error)

    async def _hear(self, message: Message) -> None:
        """What it answers changes nothing: nobody waits for its start."""
