"""What the web server refuses before the application hears of it, in the one shape of errors; and answers to HEAD.

Twisted answers what it cannot read with a bare status line or with nothing at all, Daphne with a page of its own; and
both take a body of any length to the end before anybody is asked.
"""

from collections.abc import Mapping
from typing import Any

from daphne.http_protocol import HTTPFactory, WebRequest
from twisted.web import http

from config.http.fault import UNEXPECTED, Fault, code_of
from config.http.request_id import HEADER, request_id_from
from config.http.unserved import refusal

UNREADABLE = Fault("VALIDATION_ERROR", "the request line or the headers cannot be read, or are too long")

Headers = list[tuple[bytes, bytes]]


def answer_of(fault: Fault, request_id: str, origin: str) -> tuple[int, bytes, Headers, bytes]:
    """Status, reason, headers and body; the connection ends with it."""
    response = refusal(fault, request_id=request_id, origin=origin)
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
    return response.status_code, response.reason_phrase.encode("latin-1"), encoded, response.content


class Channel(http.HTTPChannel):
    """A connection whose last word, if it must have one, is an error as all others are."""

    _is_refused = False

    def refuse(self, fault: Fault, request_id: str, origin: str = "") -> None:
        """The fault is answered, nothing more is read, and the connection ends; what came already is not answered, too."""
        if self._is_refused:
            return
        self._is_refused = True
        status, reason, headers, body = answer_of(fault, request_id, origin)
        lines = [b"HTTP/1.1 %d %s" % (status, reason), *(b"%s: %s" % header for header in headers), b"", body]
        self.transport.write(b"\r\n".join(lines))  # type: ignore[union-attr, call-arg, misc]
        self.loseConnection()  # type: ignore[no-untyped-call]

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(UNREADABLE, request_id_from(None))

    def lineLengthExceeded(self, line: bytes) -> None:
        """Too long a line of the head is a bad request like any other."""
        self.refuse(UNREADABLE, request_id_from(None))


class Request(WebRequest):  # type: ignore[misc]
    """A request that is refused as soon as its body is known to be too long, and whose answer to HEAD has none."""

    _is_refused = False

    def handle_reply(self, message: Mapping[str, Any]) -> None:
        """A part of the answer; to HEAD it ends with its headers, and a stream's application hears that nobody reads."""
        super().handle_reply(message)
        if self.method == b"HEAD" and message["type"] == "http.response.start":
            # Twisted withholds the first piece of a body alone: a second one would be taken for the next answer.
            super().handle_reply({"type": "http.response.body"})

    def gotLength(self, length: int | None) -> None:
        """The declared length is acceptable, or answered with 413."""
        super().gotLength(length)
        self._refuse_beyond_limit(length or 0)

    def handleContentChunk(self, data: bytes) -> None:
        """What came is kept, unless it is too much by now."""
        if not self._is_refused and not self._refuse_beyond_limit(self.content.tell() + len(data)):
            super().handleContentChunk(data)

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """An error of the server's own."""
        fault = UNEXPECTED if status >= 500 else Fault(code_of(status), body.lower(), status=status)
        if status == http.SERVICE_UNAVAILABLE:
            fault = Fault("SERVICE_UNAVAILABLE", "the request was not answered in time")
        status, _, headers, content = answer_of(fault, self._request_id(), self._header("Origin"))
        self.handle_reply({"type": "http.response.start", "status": status, "headers": headers})
        self.handle_reply({"type": "http.response.body", "body": content})

    def _refuse_beyond_limit(self, length: int) -> bool:
        limit = self.server.most_body_bytes
        if length <= limit:
            return False
        self._is_refused = True
        fault = Fault("PAYLOAD_TOO_LARGE", f"the body may have {limit} bytes")
        self.channel.refuse(fault, self._request_id(), self._header("Origin"))
        return True

    def _request_id(self) -> str:
        return request_id_from(self._header(HEADER))

    def _header(self, name: str) -> str:
        given = self.requestHeaders.getRawHeaders(name, [""])[0]
        return given if isinstance(given, str) else given.decode("latin-1")


class Factory(HTTPFactory):  # type: ignore[misc]
    """Makes connections and requests of these kinds."""

    def protocol(self) -> Any:
        """A connection."""
        return http._GenericHTTPChannelProtocol(Channel())  # type: ignore[no-untyped-call]

    def buildProtocol(self, addr: object) -> Any:
        """A connection for requests of our kind."""
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = Request
        return protocol

    def log(self, request: object) -> None:
        """Nothing: Twisted would write a line that nobody hears. Requests are counted (config/http/metered.py)."""
