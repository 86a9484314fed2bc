"""What a web process does once when its service begins, and once when it ends, whatever serves it."""

import asyncio
from collections.abc import Awaitable, Callable

from config.garbage import collect_seldom
from config.lifespan import Application, Message
from runs.reporter import reporter

Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class ServiceLife:
    """Listens to the life of the server (config/lifespan.py tells of it under `serve_web`, uvicorn by itself)."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Everything but the life of the server is the application's."""
        if scope["type"] != "lifespan":
            await self._application(scope, receive, send)
            return
        while (await receive())["type"] == "lifespan.startup":
            # What it counts is handed over while it runs, and once more at its end.
            reporter.start()
            collect_seldom()
            await send({"type": "lifespan.startup.complete"})
        await asyncio.to_thread(reporter.stop)
        await send({"type": "lifespan.shutdown.complete"})
