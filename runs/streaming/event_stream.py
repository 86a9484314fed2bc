"""The response that an event stream is, whatever it consists of."""

import contextlib
import random
from collections.abc import AsyncGenerator

from django.http import StreamingHttpResponse

from runs.metrics import SSE_CONNECTIONS
from runs.streaming.burst import Burst, slices
from runs.streaming.seats import Seat

HEADERS = {"Cache-Control": "no-cache, no-store, no-transform", "X-Accel-Buffering": "no"}
RETRY = b"retry: 3000\n\n"
COMES_BACK_MS = (500, 3_000)
LAST_FRAMES = frozenset({"end", "error"})


class EventStream(StreamingHttpResponse):
    """text/event-stream that nobody on the way holds back; its body is closed with the last step of whoever serves it.

    Django's own class leaves that to the garbage collector when the client goes while it is written to: until it comes
    by, the reader of a run would keep its seat and its subscription.
    """

    def __init__(self, body: AsyncGenerator[bytes]) -> None:
        self._body = body
        super().__init__(body, content_type="text/event-stream", headers=HEADERS)

    # The body itself, for whoever serves the response closes what it iterates over.
    def __aiter__(self) -> AsyncGenerator[bytes]:
        return self._body


async def encoded(bursts: AsyncGenerator[Burst], seat: Seat) -> AsyncGenerator[bytes]:
    """The frames as the body of an event stream, each burst in one chunk. However the reader leaves, closing it closes
    them and frees the seat.

    Where they end without `end` or `error` the reader may come back, and is told when: not all at the same moment.
    """
    last = ""
    with seat, SSE_CONNECTIONS.one_more():
        yield RETRY
        async with contextlib.aclosing(bursts):
            async for burst in bursts:
                for part in burst.sse:
                    yield part
                last = burst[-1].event
        if last not in LAST_FRAMES:
            yield b"retry: %d\n\n" % random.randint(*COMES_BACK_MS)  # noqa: S311


async def seated(chunks: AsyncGenerator[bytes], seat: Seat) -> AsyncGenerator[bytes]:
    """What is encoded already as the body of an event stream. However the reader leaves, closing it closes the chunks and
    frees the seat.
    """
    with seat, SSE_CONNECTIONS.one_more():
        yield RETRY
        async with contextlib.aclosing(chunks):
            async for chunk in chunks:
                for part in slices(chunk):
                    yield part
