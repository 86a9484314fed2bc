"""Too large a body is refused before the application reads it.

Django reads a body to its end before the first middleware runs, and REST framework takes a body of unknown length for
an empty one. Both end here: the declared length decides at once, an undeclared one is counted and then declared.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import cast

from config.http.fault import Fault
from config.http.request_id import HEADER, request_id_from
from config.http.unserved import refusal

Message = MutableMapping[str, object]
Scope = MutableMapping[str, object]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

BODYLESS = frozenset({"GET", "HEAD", "OPTIONS"})


class BodyLimit:
    """An ASGI application in front of another one, which never sees more than `limit` bytes of a body."""

    def __init__(self, application: Application, *, limit: int) -> None:
        self.application = application
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 413, or passes the request on with a known length."""
        if scope["type"] != "http":
            return await self.application(scope, receive, send)
        headers = cast(Headers, list(scope["headers"]))  # type: ignore[call-overload]
        declared = _header(headers, b"content-length")
        if declared.isdigit() and int(declared[:20]) > self.limit:
            return await self._refuse(headers, send)
        if not _header(headers, b"transfer-encoding") and (declared or scope["method"] in BODYLESS):
            return await self.application(scope, receive, send)
        body = await self._collect(receive)
        if body is None:
            return await self._refuse(headers, send)
        measured = [(name, value) for name, value in headers if name.lower() != b"content-length"]
        length = str(len(cast(bytes, body.get("body", b"")))).encode()
        scope = {**scope, "headers": [*measured, (b"content-length", length)]}
        return await self.application(scope, _replayed(body, receive), send)

    async def _collect(self, receive: Receive) -> Message | None:
        """The whole body in one message, or the disconnect that came first; None if there is too much of it."""
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return message
            body += cast(bytes, message.get("body", b""))
            if len(body) > self.limit:
                return None
            if not message.get("more_body", False):
                return {"type": "http.request", "body": bytes(body), "more_body": False}

    async def _refuse(self, headers: Headers, send: Send) -> None:
        # The rest of the body is not read, so the connection cannot serve another request.
        response = refusal(
            Fault("PAYLOAD_TOO_LARGE", f"the body may have {self.limit} bytes"),
            request_id=request_id_from(_header(headers, HEADER.lower().encode()).decode("latin-1")),
            origin=_header(headers, b"origin").decode("latin-1"),
        )
        answer = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
        await send({"type": "http.response.start", "status": 413, "headers": answer})
        await send({"type": "http.response.body", "body": response.content})


def _header(headers: Headers, name: bytes) -> bytes:
    return next((value for key, value in headers if key.lower() == name), b"")


def _replayed(first: Message, receive: Receive) -> Receive:
    """A receive that yields `first`, then whatever comes, such as the disconnect."""
    ahead = [first]

    async def replay() -> Message:
        return ahead.pop() if ahead else await receive()

    return replay
