"""The frames of a WebSocket as an independent implementation of the protocol reads them."""

from collections.abc import Iterator

from websockets.frames import Frame
from websockets.streams import StreamReader


def frames_in(text: bytes) -> Iterator[Frame]:
    """Every frame that a server has written."""
    reader = StreamReader()
    reader.feed_data(text)
    reader.feed_eof()
    while not _is_over(reader):
        try:
            next(Frame.parse(reader.read_exact, mask=False))
        except StopIteration as parsed:
            yield parsed.value


def _is_over(reader: StreamReader) -> bool:
    try:
        next(reader.at_eof())
    except StopIteration as answer:
        return bool(answer.value)
    raise AssertionError("everything was fed")
