"""What a client says to PostgreSQL, told apart: enough of the protocol to see a transaction come to its COMMIT."""

import struct
from dataclasses import dataclass

_LENGTH = struct.Struct("!i")
# Protocol 3.0. Whatever else comes untyped, such as a question about TLS, is followed by another untyped message.
_STARTUP = 196_608
_SIMPLE, _PARSE, _EXECUTE = b"Q", b"P", b"E"
KEPT_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a client: its type (empty for the untyped ones at the start), its content, all its bytes."""

    kind: bytes
    content: bytes
    raw: bytes

    @property
    def statement(self) -> bytes:
        """The SQL it brings, whether by the simple or by the extended protocol; empty for every other message."""
        if self.kind == _SIMPLE:
            return self.content.partition(b"\0")[0].strip()
        if self.kind == _PARSE:
            return self.content.split(b"\0", 2)[1].strip()
        return b""


class ClientMessages:
    """Whole messages out of whatever pieces they arrive in."""

    def __init__(self) -> None:
        self._buffer = b""
        self._has_started = False

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are whole now."""
        self._buffer += data
        whole = []
        while (message := self._next()) is not None:
            whole.append(message)
        return whole

    def _next(self) -> Message | None:
        start = 1 if self._has_started else 0
        if len(self._buffer) < start + _LENGTH.size:
            return None
        end = start + _LENGTH.unpack_from(self._buffer, start)[0]
        if len(self._buffer) < end:
            return None
        raw, self._buffer = self._buffer[:end], self._buffer[end:]
        message = Message(raw[:start], raw[start + _LENGTH.size :], raw)
        if not self._has_started:
            self._has_started = _LENGTH.unpack_from(message.content)[0] == _STARTUP
        return message


class Transactions:
    """Follows one client through its transactions: whether a message is the COMMIT of one, and of which."""

    def __init__(self) -> None:
        self._said = bytearray()
        self._is_parsed = False  # a COMMIT of the extended protocol, which only its Execute carries out

    def committed_by(self, message: Message) -> bytes | None:
        """Everything that was said since BEGIN, if this message commits it; None for every other message."""
        word = message.statement[:6].upper()
        if word.startswith(b"BEGIN"):
            self._said.clear()
        is_execute = message.kind == _EXECUTE and self._is_parsed
        self._is_parsed = (self._is_parsed and not word) or (word == b"COMMIT" and message.kind == _PARSE)
        if is_execute or (word == b"COMMIT" and message.kind == _SIMPLE):
            said = bytes(self._said)
            self._said.clear()
            self._is_parsed = False
            return said
        if len(self._said) < KEPT_BYTES:
            self._said += message.content
        return None
