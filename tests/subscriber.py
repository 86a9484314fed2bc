"""Whoever subscribed to webhooks: a web server on loopback, in a thread, that keeps what it heard and answers as told."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType


@dataclass(frozen=True, slots=True)
class Heard:
    """One request. `path` tells for which of its endpoints it was."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float  # monotonic

    @property
    def id(self) -> str:
        """The `webhook-id`."""
        return self.headers["webhook-id"]


Answer = Callable[[Heard], Awaitable[int]]


async def takes_it(heard: Heard) -> int:
    """Thanks."""
    return 200


class Subscriber:
    """Hears as long as the context lasts."""

    def __init__(self, answer: Answer = takes_it) -> None:
        self.heard: list[Heard] = []
        self._answer = answer
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="subscriber", daemon=True)
        self._calls: set[asyncio.Task[None]] = set()
        self._port = 0

    def __enter__(self) -> "Subscriber":
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def url(self, path: str = "/") -> str:
        """Where it hears."""
        return f"http://127.0.0.1:{self._port}{path}"

    def ids(self, path: str = "/") -> Counter[str]:
        """How often it heard which message there."""
        return Counter(heard.id for heard in tuple(self.heard) if heard.path == path)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1_000)

    async def _close(self) -> None:
        self._server.close()
        for call in tuple(self._calls):
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._calls.add(task)
        try:
            head, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            heard = Heard(head.split()[1], headers, body, time.monotonic())
            self.heard.append(heard)
            status = await self._answer(heard)
            writer.write(f"HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # whoever called is gone, or this is the end
        finally:
            self._calls.discard(task)
            writer.close()
