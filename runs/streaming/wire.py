"""Frames as they stand on a WebSocket, for a server that writes them as they are: built once for all who are sent them.

A server that offers EXTENSION in the scope of a connection takes FRAMES of a `websocket.send` as bytes for the wire, and
waits for the reader after each. What a server sends is not masked (RFC 6455, 5.3), so it is the same for everybody.
"""

import struct
from collections.abc import Iterable, Iterator

EXTENSION = "signalbox.websocket.frames"
FRAMES = "frames"
# A reader is given its time for so many bytes, so that a slow one gets through a large frame, too.
MOST_AT_ONCE = 64 << 10

_FINAL, _TEXT, _CONTINUED = 0x80, 0x01, 0x00


def written(messages: Iterable[tuple[bytes, ...]]) -> Iterator[bytes]:
    """The pieces of the messages as they are written one after another, as many at once as are not too much."""
    gathered: list[bytes] = []
    size = 0
    for pieces in messages:
        for piece in pieces:
            if size + len(piece) > MOST_AT_ONCE and gathered:
                yield b"".join(gathered)
                gathered, size = [], 0
            gathered.append(piece)
            size += len(piece)
    if gathered:
        yield gathered[0] if len(gathered) == 1 else b"".join(gathered)


def message(text: bytes) -> tuple[bytes, ...]:
    """One text message, in fragments where it is long: between two of them the protocol lets a ping through."""
    if len(text) <= MOST_AT_ONCE:
        return (_head(_FINAL | _TEXT, len(text)) + text,)
    pieces = []
    for start in range(0, len(text), MOST_AT_ONCE):
        piece = text[start : start + MOST_AT_ONCE]
        opcode = _CONTINUED if start else _TEXT
        final = _FINAL if start + MOST_AT_ONCE >= len(text) else 0
        pieces.append(_head(final | opcode, len(piece)) + piece)
    return tuple(pieces)


def _head(first: int, length: int) -> bytes:
    if length < 126:
        return bytes((first, length))
    if length < 1 << 16:
        return struct.pack("!BBH", first, 126, length)
    return struct.pack("!BBQ", first, 127, length)
