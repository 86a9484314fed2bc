"""What a web process has counted is handed over while it runs, and once more at its end, whatever serves it."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from runs.reporter import reporter

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class Reporting:
    """Answers a server that tells of its start and its end (uvicorn does; `serve_web` sees to both itself)."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Everything but the life of the server is the application's."""
        if scope["type"] != "lifespan":
            await self._application(scope, receive, send)
            return
        while (await receive())["type"] == "lifespan.startup":
            reporter.start()
            await send({"type": "lifespan.startup.complete"})
        reporter.stop()
        await send({"type": "lifespan.shutdown.complete"})
