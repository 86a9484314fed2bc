import asyncio
import json
from collections.abc import Iterable

import pytest

from config.handler import Handler
from config.http.body_limit import BodyLimit, Message, Scope

LIMIT = 10


class Conversation:
    """One HTTP request to the application, message by message."""

    def __init__(self, chunks: Iterable[bytes], *, disconnect: bool = False) -> None:
        parts = list(chunks)
        self.incoming: list[Message] = [
            {"type": "http.request", "body": part, "more_body": disconnect or index < len(parts) - 1}
            for index, part in enumerate(parts)
        ]
        if disconnect:
            self.incoming.append({"type": "http.disconnect"})
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        return self.incoming.pop(0) if self.incoming else {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def status(self) -> object:
        return self.sent[0]["status"]

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])  # type: ignore[call-overload,no-any-return]


def scope(method: str = "POST", **headers: str) -> Scope:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": "/size",
        "raw_path": b"/size",
        "query_string": b"",
        "headers": [(n.replace("_", "-").encode(), v.encode()) for n, v in {"host": "testserver", **headers}.items()],
    }


class Recording:
    """Stands behind the limit and keeps what it was given."""

    def __init__(self) -> None:
        self.length: bytes | None = None
        self.messages: list[Message] = []

    async def __call__(self, scope: Scope, receive: object, send: object) -> None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]  # type: ignore[assignment]
        self.length = dict(headers).get(b"content-length")
        while not self.messages or self.messages[-1].get("more_body"):
            self.messages.append(await receive())  # type: ignore[operator]


@pytest.fixture
def behind() -> Recording:
    return Recording()


async def test_a_declared_length_above_the_limit_is_refused_unread(behind: Recording) -> None:
    talk = Conversation([b"x" * 11])
    await BodyLimit(behind, limit=LIMIT)(scope(content_length="11", x_request_id="req-1"), talk.receive, talk.send)

    assert (talk.status, behind.messages, len(talk.incoming)) == (413, [], 1)
    body = json.loads(talk.sent[1]["body"])  # type: ignore[arg-type]
    assert (body["errorCode"], body["statusCode"], body["requestId"]) == ("PAYLOAD_TOO_LARGE", 413, "req-1")
    assert talk.headers[b"x-request-id"] == b"req-1"
    assert talk.headers[b"connection"] == b"close"
    assert (talk.headers[b"cache-control"], talk.headers[b"vary"]) == (b"no-store", b"Origin")


async def test_an_undeclared_length_is_counted_and_refused_at_the_limit(behind: Recording) -> None:
    talk = Conversation([b"12345", b"67890", b"1", b"never read"])
    await BodyLimit(behind, limit=LIMIT)(scope(transfer_encoding="chunked"), talk.receive, talk.send)
    assert (talk.status, behind.messages, len(talk.incoming)) == (413, [], 1)


async def test_an_undeclared_length_within_the_limit_is_declared(behind: Recording) -> None:
    talk = Conversation([b"12345", b"67890"])
    await BodyLimit(behind, limit=LIMIT)(scope(transfer_encoding="chunked"), talk.receive, talk.send)
    assert behind.length == b"10"
    assert [message["body"] for message in behind.messages] == [b"1234567890"]


async def test_a_declared_length_within_the_limit_passes_untouched(behind: Recording) -> None:
    talk = Conversation([b"12345", b"67890"])
    await BodyLimit(behind, limit=LIMIT)(scope(content_length="10"), talk.receive, talk.send)
    assert behind.length == b"10"
    assert len(behind.messages) == 2


async def test_a_caller_who_leaves_half_way_is_no_complete_request(behind: Recording) -> None:
    talk = Conversation([b"12345"], disconnect=True)
    await BodyLimit(behind, limit=LIMIT)(scope(transfer_encoding="chunked"), talk.receive, talk.send)
    assert behind.messages == [{"type": "http.disconnect"}]
    assert talk.sent == []


async def test_a_request_without_a_body_is_not_waited_for(behind: Recording) -> None:
    talk = Conversation([b""])
    await BodyLimit(behind, limit=LIMIT)(scope("GET"), talk.receive, talk.send)
    assert behind.length is None


async def test_what_is_no_http_passes_untouched(behind: Recording) -> None:
    talk = Conversation([b""])
    await BodyLimit(behind, limit=LIMIT)({**scope(), "type": "websocket"}, talk.receive, talk.send)
    assert len(behind.messages) == 1


async def test_django_sees_the_body_of_a_chunked_request() -> None:
    talk = Conversation([b"12345", b"678"])
    silence: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

    async def receive() -> Message:
        return talk.incoming.pop(0) if talk.incoming else await silence

    await BodyLimit(Handler(), limit=LIMIT)(scope(transfer_encoding="chunked"), receive, talk.send)

    assert talk.status == 200
    assert talk.sent[1]["body"] == b"8 8"
