"""WebSockets under uvicorn, for crowds: what many are sent is written as it was built once, as `serve_web` does.

`uvicorn config.asgi:application --ws config.uvicorn_frames:WebSocketFrames --ws-per-message-deflate false`. Its own
protocols encode every message again for everybody who is sent it.
"""

from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from runs.streaming.wire import EXTENSION, FRAMES


class WebSocketFrames(WebSocketsSansIOProtocol):
    """uvicorn's own, with EXTENSION."""

    def handle_connect(self, event: Request) -> None:
        """The application is told before it runs; not where messages are compressed, for those are nobody else's."""
        super().handle_connect(event)
        scope: dict[str, Any] | None = getattr(self, "scope", None)
        if scope is not None and not self.conn.extensions:
            scope["extensions"][EXTENSION] = {}

    async def send(self, message: Any) -> None:
        """Frames go out as they are once the reader has taken what it was sent before.

        Raises ClientDisconnected when it has gone.
        """
        frames = message.get(FRAMES)
        if frames is None:
            await super().send(message)
            return
        if not self.writable.is_set():
            await self.writable.wait()
        if self.disconnected or self.close_sent or self.transport.is_closing():
            raise ClientDisconnected
        self.transport.write(frames)
