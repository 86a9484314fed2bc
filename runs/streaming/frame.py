"""One frame of a stream, in the forms it travels in; each form is built once, however many subscribers are sent it."""

from dataclasses import dataclass, field

import orjson

from runs.streaming.wire import message


@dataclass(slots=True)
class Frame:
    """Its name, its JSON on one line, and its id (canonical events only: their seq)."""

    event: str
    data: bytes
    id: int | None = None
    _sse: bytes | None = field(default=None, init=False, repr=False, compare=False)
    _text: str | None = field(default=None, init=False, repr=False, compare=False)
    _wire: tuple[bytes, ...] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def sse(self) -> bytes:
        """The frame in the form of an event stream, blank line included."""
        if self._sse is None:
            mark = b"" if self.id is None else b"id: %d\n" % self.id
            # Outside a JSON string a line break is just white space; left as it is, it would end the frame.
            line = b" ".join(self.data.splitlines()) if b"\n" in self.data or b"\r" in self.data else self.data
            self._sse = b"event: %s\n%sdata: %s\n\n" % (self.event.encode(), mark, line)
        return self._sse

    @property
    def text(self) -> str:
        """The frame as one WebSocket message: `{"type", "id"?, "data"}`."""
        if self._text is None:
            self._text = self._message().decode()
        return self._text

    @property
    def wire(self) -> tuple[bytes, ...]:
        """The same message as the bytes that a WebSocket carries, in the pieces that may be written one by one."""
        if self._wire is None:
            self._wire = message(self._message())
        return self._wire

    def _message(self) -> bytes:
        mark = b"" if self.id is None else b',"id":%d' % self.id
        return b'{"type":"%s"%s,"data":%s}' % (self.event.encode(), mark, self.data)


def error_frame(code: str, message: str) -> Frame:
    """A failure after the start of a stream; the last frame of it."""
    return Frame("error", orjson.dumps({"errorCode": code, "message": message}))
