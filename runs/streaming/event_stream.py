"""The response that an event stream is, whatever it consists of."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

from django.http import StreamingHttpResponse

from runs.streaming.frame import Burst
from runs.streaming.seats import Seat

HEADERS = {"Cache-Control": "no-cache, no-store, no-transform", "X-Accel-Buffering": "no"}
RETRY = b"retry: 3000\n\n"


class EventStream(StreamingHttpResponse):
    """text/event-stream that nobody on the way holds back; its body is closed with the last step of whoever serves it.

    Django's own class leaves that to the garbage collector when the client goes while it is written to: until it comes
    by, the reader of a run would keep its seat and its subscription.
    """

    def __init__(self, chunks: AsyncGenerator[bytes], seat: Seat) -> None:
        self._body = _seated(chunks, seat)
        super().__init__(self._body, content_type="text/event-stream", headers=HEADERS)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with contextlib.aclosing(self._body):
            async for part in self._body:
                yield part


async def encoded(bursts: AsyncGenerator[Burst]) -> AsyncGenerator[bytes]:
    """The frames as an event stream, each burst in one chunk. Closes them, however the reader leaves."""
    async with contextlib.aclosing(bursts):
        async for burst in bursts:
            yield burst[0].sse if len(burst) == 1 else b"".join(frame.sse for frame in burst)


async def _seated(chunks: AsyncGenerator[bytes], seat: Seat) -> AsyncGenerator[bytes]:
    # However the reader leaves, closing ends the subscription and frees the seat.
    with seat:
        yield RETRY
        async with contextlib.aclosing(chunks):
            async for chunk in chunks:
                yield chunk
