"""Frames that may be written at once, and the forms in which they are: each is made once for all who are sent the same."""

from collections.abc import Iterator
from functools import cached_property

from runs.streaming.frame import Frame
from runs.streaming.wire import MOST_AT_ONCE, written


class Burst(tuple[Frame, ...]):
    """Some frames in their order."""

    @cached_property
    def sse(self) -> tuple[bytes, ...]:
        """The frames as an event stream, in the pieces that are written one by one."""
        return tuple(slices(self[0].sse if len(self) == 1 else b"".join([frame.sse for frame in self])))

    @cached_property
    def wire(self) -> tuple[bytes, ...]:
        """The frames as messages on a WebSocket, in the pieces that are written one by one."""
        return tuple(written(frame.wire for frame in self))


def slices(chunk: bytes) -> Iterator[bytes]:
    """The chunk in pieces: a reader is given its time for each, so that a slow one gets through a large frame, too."""
    if len(chunk) <= MOST_AT_ONCE:
        yield chunk
        return
    for start in range(0, len(chunk), MOST_AT_ONCE):
        yield chunk[start : start + MOST_AT_ONCE]
