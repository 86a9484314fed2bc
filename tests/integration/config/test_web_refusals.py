"""What the web server itself refuses, seen from the wire: the one shape of errors, and never a 5xx."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from uuid import UUID

import pytest

from tests.beside import beside
from tests.processes import ManageCommand

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

LIMIT = 1000
CONSOLE = "https://console.example"
HEAD = b"Host: x\r\nAuthorization: Bearer the-key\r\n"
JSON = HEAD + b"Content-Type: application/json\r\n"
UPGRADE = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
    + b"A" * 22
    + b"==\r\n"
)

END_OF_HEAD = b"\r\n\r\n"

BAD_REQUESTS = {
    "bytes in the path": b"GET /runs/\xff HTTP/1.1\r\n" + HEAD,
    "NUL in the path": b"GET /runs/\x00 HTTP/1.1\r\n" + HEAD,
    "bytes in the query": b"GET /runs?search=\xff HTTP/1.1\r\n" + HEAD,
    "bytes in a header's name": b"GET /runs HTTP/1.1\r\n" + HEAD + b"a\xffb: 1\r\n",
    "bytes in the method": b"G\xffT /runs HTTP/1.1\r\n" + HEAD,
    "bytes in the host": b"GET /runs HTTP/1.1\r\nHost: \xff/\r\n",
    "bytes in the path of a WebSocket": b"GET /ws/runs/\xff HTTP/1.1\r\n" + HEAD + UPGRADE,
    "no version": b"GET /runs\r\n",
    "unknown version": b"GET /runs HTTP/9.9\r\n" + HEAD,
    "no HTTP": b"\x16\x03\x01\x00\r\n",
    "one long header": b"GET /runs HTTP/1.1\r\n" + HEAD + b"X: " + b"x" * 20_000 + b"\r\n",
    "long headers": b"GET /runs HTTP/1.1\r\n" + HEAD + (b"X: " + b"x" * 1000 + b"\r\n") * 100,
    "many headers": b"GET /runs HTTP/1.1\r\n" + HEAD + b"X: 1\r\n" * 1_000,
    "long path": b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n" + HEAD,
    "many parameters": b"GET /runs?" + b"a=1&" * 1_500 + b" HTTP/1.1\r\n" + HEAD,
    "length that is no number": b"POST /runs HTTP/1.1\r\n" + JSON + b"Content-Length: many\r\n",
    "negative length": b"POST /runs HTTP/1.1\r\n" + JSON + b"Content-Length: -1\r\n",
    "two lengths": b"POST /runs HTTP/1.1\r\n" + JSON + b"Content-Length: 1\r\nContent-Length: 2\r\n",
    "unknown transfer encoding": b"POST /runs HTTP/1.1\r\n" + JSON + b"Transfer-Encoding: gzip\r\n",
    "broken chunk": b"POST /runs HTTP/1.1\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\nzz",
    "undecodable id": b"GET /runs/%ff HTTP/1.1\r\n" + HEAD,
    "broken escape": b"GET /runs/%zz HTTP/1.1\r\n" + HEAD,
    "NUL in an id": b"GET /runs/%00/stream HTTP/1.1\r\n" + HEAD,
}
TOO_LARGE = {
    # Neither has sent a byte of the body, or the end of it, when it is refused.
    "declared": b"POST /runs HTTP/1.1\r\n" + JSON + b"Content-Length: 1001\r\n",
    "chunked": b"POST /runs HTTP/1.1\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001,
}
HARMLESS = {
    "undecodable search": b"GET /runs?search=%ff HTTP/1.1\r\n" + HEAD,
    "broken escape in a query": b"GET /runs?search=%zz&%=1 HTTP/1.1\r\n" + HEAD,
    "long query": b"GET /runs?x=" + b"x" * 15_000 + b" HTTP/1.1\r\n" + HEAD,
}


class Web:
    """The whole service behind `manage.py serve_web`."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = int(probe.getsockname()[1])
        environment = {"AUTH_API_KEYS": "tester=the-key", "MAX_BODY_BYTES": str(LIMIT), "CORS_ORIGIN": CONSOLE}
        self.command: ManageCommand = beside("serve_web", "--port", str(self.port), environment=environment)
        self.command.wait_for_line("Listening on TCP address")

    def ask(self, request: bytes, *, until: bytes | None = None) -> tuple[bytes, dict[str, str], bytes]:
        """Status line, headers and body of the answer to these bytes; nothing is read any more once `until` has come."""
        with closing(socket.create_connection(("127.0.0.1", self.port), timeout=15)) as connection:
            connection.sendall(request + b"Connection: close\r\n\r\n")
            received = b""
            with suppress(ConnectionResetError):
                while (until is None or until not in received) and (part := connection.recv(65536)):
                    received += part
        head, _, body = received.partition(b"\r\n\r\n")
        status, *lines = head.split(b"\r\n")
        headers = dict(line.decode("latin-1").lower().split(": ", 1) for line in lines)
        return status, headers, body


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    yield web
    web.command.end()


def shown(answer: tuple[bytes, dict[str, str], bytes]) -> tuple[bytes, str]:
    """Status and code of an error, after its shape was checked."""
    status, headers, body = answer
    assert headers["content-type"] == "application/json"
    document = json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])
    assert set(document) - {"details"} == {"statusCode", "error", "errorCode", "message", "requestId"}
    assert str(document["statusCode"]).encode() in status
    assert document["requestId"] == headers["x-request-id"]
    return status.split()[1], document["errorCode"]


def test_what_the_server_refuses_has_the_shape_of_all_errors_e06(web: Web) -> None:
    for name, request in BAD_REQUESTS.items():
        answer = web.ask(request)
        assert shown(answer) == (b"400", "VALIDATION_ERROR"), name
        UUID(answer[1]["x-request-id"])
    for name, request in HARMLESS.items():
        assert web.ask(request)[0].split()[1] == b"200", name
    assert not web.command.said("Traceback")


def test_too_long_a_body_is_refused_before_it_is_sent_e07(web: Web) -> None:
    for name, request in TOO_LARGE.items():
        answer = web.ask(request.replace(b"Host: x", b"Host: x\r\nX-Request-Id: req-1"))
        assert shown(answer) == (b"413", "PAYLOAD_TOO_LARGE"), name
        assert answer[1]["x-request-id"] == "req-1"
        assert "access-control-allow-origin" not in answer[1]
    assert not web.command.said("Traceback")


def test_what_the_server_refuses_is_kept_by_nobody_and_read_by_pages_that_may_e07(web: Web) -> None:
    origin = f"Origin: {CONSOLE}\r\n".encode()
    for name, request in TOO_LARGE.items():
        _, headers, _ = web.ask(request.replace(b"Host: x\r\n", b"Host: x\r\n" + origin))
        assert headers["access-control-allow-origin"] == CONSOLE, name
        assert "x-request-id" in headers["access-control-expose-headers"]
        assert (headers["cache-control"], headers["vary"]) == ("no-store", "origin"), name
        assert headers["x-content-type-options"] == "nosniff"
    _, headers, _ = web.ask(BAD_REQUESTS["broken chunk"])
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


def test_no_answer_says_what_serves_it_and_refusals_are_guarded_like_all_answers(web: Web) -> None:
    refused = [web.ask(BAD_REQUESTS[name]) for name in ("no HTTP", "broken chunk")] + [web.ask(TOO_LARGE["declared"])]
    socket_opened = web.ask(b"GET /ws/runs HTTP/1.1\r\n" + HEAD + UPGRADE, until=END_OF_HEAD)
    socket_refused = web.ask(b"GET /ws/nothing HTTP/1.1\r\n" + HEAD + UPGRADE, until=END_OF_HEAD)
    for _, headers, _ in (*refused, web.ask(HARMLESS["undecodable search"]), socket_opened, socket_refused):
        assert {"server", "x-powered-by"}.isdisjoint(headers)
    for _, headers, _ in refused:
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; ")
        assert headers["referrer-policy"] == headers["cross-origin-opener-policy"] == "same-origin"
