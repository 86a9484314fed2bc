"""Attempts over sockets: what was on the wire of one, and what came of it."""

import time
from collections.abc import Sequence

from standardwebhooks import Webhook

from tests.parcels import parcel
from tests.receiver import Behaviour, answering, headers_in, receiving
from webhooks.backoff import next_try
from webhooks.result import Result
from webhooks.sender import send

NAME = "agent.example"
SCHEDULE = (0, 5, 30, 300)


class Names:
    """A name server that gives its answers one after the other, the last again and again."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.asked = 0
        self._answers = answers

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self._answers[min(self.asked, len(self._answers)) - 1]


async def sent(url: str, *, timeout_s: float = 10, at: int | None = None, **changes: object) -> Result:
    return await send(parcel(url=url, **changes), timeout_s=timeout_s, at=at or int(time.time()))


async def result_of(behaviour: Behaviour, *, timeout_s: float = 10, **changes: object) -> Result:
    async with receiving(behaviour) as receiver:
        return await sent(f"http://127.0.0.1:{receiver.port}/hook", timeout_s=timeout_s, **changes)


async def request_of(**changes: object) -> bytes:
    """What was on the wire."""
    async with receiving(answering(204)) as receiver:
        result = await sent(f"http://127.0.0.1:{receiver.port}/hook?a=1", **changes)
        assert result.is_success
        (request,) = receiver.requests
        return request


def body_in(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[2]


def verify(secret: str, request: bytes) -> None:
    """The reference library accepts it. Raises WebhookVerificationError."""
    Webhook(secret).verify(body_in(request), headers_in(request), json_parse=False)


def waits(result: Result) -> float | None:
    """How long until the third attempt."""
    return next_try(SCHEDULE, tries=2, result=result, jitter=0)
