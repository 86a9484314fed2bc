"""Reading text/event-stream in tests: the whole of a stream that ends, frame by frame."""

from collections.abc import AsyncIterator
from typing import cast

import orjson
from django.http import StreamingHttpResponse

Sent = tuple[str, int | None, dict[str, object]]  # name, id and data of a frame


def parsed(text: bytes) -> list[Sent]:
    """The frames of a stream that begins with its `retry:`, and ends with one if it may be resumed; nothing is left over."""
    retry, *blocks, rest = text.split(b"\n\n")
    assert (retry, rest) == (b"retry: 3000", b"")
    if blocks and blocks[-1].startswith(b"retry: "):
        blocks.pop()
    return [_frame(block) for block in blocks]


def short(frames: list[Sent]) -> list[str]:
    """The frames in short form: `event 4`, `heartbeat`, `end`; only events carry an id, and it is their seq."""
    assert [seq for _, seq, _ in frames if seq is not None] == [
        data["seq"] for name, _, data in frames if name == "canonical_event"
    ]
    return [f"event {seq}" if name == "canonical_event" else name for name, seq, _ in frames]


async def whole(response: StreamingHttpResponse) -> list[Sent]:
    """Every frame of the response, to its end."""
    chunks = cast(AsyncIterator[bytes], response.streaming_content)
    return parsed(b"".join([chunk async for chunk in chunks]))


def _frame(block: bytes) -> Sent:
    fields = dict(line.split(b": ", 1) for line in block.split(b"\n"))
    seq = int(fields[b"id"]) if b"id" in fields else None
    return fields[b"event"].decode(), seq, orjson.loads(fields[b"data"])
