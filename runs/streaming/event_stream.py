"""The response that an event stream is, whatever it consists of."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

from django.http import StreamingHttpResponse

HEADERS = {"Cache-Control": "no-cache, no-store, no-transform", "X-Accel-Buffering": "no"}


class EventStream(StreamingHttpResponse):
    """text/event-stream that nobody on the way holds back; its body is closed with the last step of whoever serves it.

    Django's own class leaves that to the garbage collector when the client goes while it is written to: until it comes
    by, the reader of a run would keep its seat and its subscription.
    """

    def __init__(self, body: AsyncGenerator[bytes]) -> None:
        super().__init__(body, content_type="text/event-stream", headers=HEADERS)
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with contextlib.aclosing(self._body):
            async for part in self._body:
                yield part
