"""The web server under readers that do not read, and at its end."""

import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from websockets.frames import Opcode

from tests.processes import PROJECT, SMALL_SERVICE, ManageCommand, wait_until
from tests.small_service.contents import LARGE_MESSAGE, PARTS, REASON, REFUSED, part
from tests.wire_frames import frames_in

pytestmark = pytest.mark.acceptance

SEND_TIMEOUT_S = 1.0
# Both kernels' buffers on loopback, and our own.
MOST_UNREAD_BYTES = 16 * 1024 * 1024
RECEIVE_BUFFER_BYTES = 65536
NORMAL_CLOSE = b"\x88\x02" + (1000).to_bytes(2)
CLOSE_FRAME = (4408).to_bytes(2) + b"reader too slow"


class Web:
    """`manage.py serve_web` with the small service behind it."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = int(probe.getsockname()[1])
        environment = {"STREAM_SEND_TIMEOUT_MS": str(int(SEND_TIMEOUT_S * 1000))}
        self.command = ManageCommand("serve_web", "--port", str(self.port), environment=environment)
        self.command.wait_for_line("Listening on TCP address")

    def open(self, path: str, *headers: str) -> socket.socket:
        """A connection that has sent a request and has read nothing."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        connection.settimeout(15)
        connection.connect(("127.0.0.1", self.port))
        connection.sendall("\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode())
        return connection

    def produced(self) -> dict[str, int]:
        """How many bytes the streams of the small service have handed to the server."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
            connection.request("GET", "/produced")
            counts: dict[str, int] = json.loads(connection.getresponse().read())
            return counts


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    yield web
    web.command.end()


def read_all(connection: socket.socket) -> bytes:
    received = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(65536):
            received += part
    return received


def read_until(end: bytes, connection: socket.socket, *, pause_s: float = 0.0) -> bytes:
    """Everything up to `end`, with a pause after each 128 KB."""
    received, read = b"", 0
    while not received.endswith(end):
        received += (part := connection.recv(32768))
        assert part, f"closed before {end!r}"
        if len(received) - read > 131072:
            read = len(received)
            time.sleep(pause_s)  # the slowness itself
    return received


def open_websocket(web: Web, path: str = "/") -> socket.socket:
    key = base64.b64encode(os.urandom(16)).decode()
    headers = ("Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13")
    return web.open(path, *headers)


def resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_a_reader_that_never_reads_suspends_its_stream_and_is_cut_off_s07_c06(web: Web) -> None:
    before = resident_bytes(web.command.pid)
    with closing(web.open("/flood")):
        wait_until(lambda: web.produced()["http"] > 0, within_s=5)
        wait_until(lambda: web.command.said("cut off a reader"), within_s=5 + SEND_TIMEOUT_S)
        wait_until(lambda: web.produced()["ended"] == 1, within_s=5)
        assert web.produced()["http"] < MOST_UNREAD_BYTES
        assert resident_bytes(web.command.pid) - before < MOST_UNREAD_BYTES


def test_a_websocket_reader_that_stops_reading_is_closed_with_the_resumable_code_s07(web: Web) -> None:
    with closing(open_websocket(web)) as connection:
        wait_until(lambda: web.produced()["websocket"] > 0, within_s=5)
        wait_until(lambda: web.command.said("cut off a reader"), within_s=5 + SEND_TIMEOUT_S)
        assert web.produced()["websocket"] < MOST_UNREAD_BYTES
        read_until(CLOSE_FRAME, connection)


def test_a_reader_that_reads_gets_as_much_as_it_takes(web: Web) -> None:
    with closing(web.open("/flood")) as connection:
        received = 0
        while received < 4 * MOST_UNREAD_BYTES:
            received += len(connection.recv(1 << 20))
    assert not web.command.said("cut off a reader")


def test_what_a_reader_gets_in_fits_and_starts_is_whole_and_in_order(web: Web) -> None:
    with closing(web.open("/counted", "Connection: close")) as connection:
        response = http.client.HTTPResponse(connection)
        response.begin()
        for number in range(PARTS):
            if number % 300 == 0:
                time.sleep(SEND_TIMEOUT_S / 10)  # the buffers fill up meanwhile
            assert response.read(len(part(number))) == part(number)
        assert response.read() == b""


def test_a_websocket_is_closed_with_the_reason_that_its_application_gives(web: Web) -> None:
    """Close codes are few: only the reason tells a client what to change."""
    with closing(open_websocket(web, "/refused")) as connection:
        received = read_until(REASON.encode(), connection)

    assert received.endswith(bytes([0x88, 2 + len(REASON)]) + REFUSED.to_bytes(2) + REASON.encode())


def test_a_slow_reader_gets_through_a_large_message_s07(web: Web) -> None:
    with closing(open_websocket(web, "/large")) as connection:
        began = time.monotonic()
        received = read_until(NORMAL_CLOSE, connection, pause_s=SEND_TIMEOUT_S / 10)
        assert time.monotonic() - began > 3 * SEND_TIMEOUT_S
    frames = list(frames_in(received.partition(b"\r\n\r\n")[2]))
    texts, closing_frame = b"".join(bytes(frame.data) for frame in frames[:-1]), frames[-1]
    assert texts == LARGE_MESSAGE + b"the end"
    assert closing_frame.opcode is Opcode.CLOSE
    assert not web.command.said("cut off a reader")


def test_one_reader_that_does_not_read_holds_up_nobody_else_s07_c06(web: Web) -> None:
    with closing(web.open("/flood")):
        began = time.monotonic()
        for _ in range(20):
            web.produced()
        assert time.monotonic() - began < SEND_TIMEOUT_S


@pytest.mark.parametrize("declared", ["multipart/form-data; boundary=x", "multipart/form-data"])
def test_a_broken_form_reaches_the_application(declared: str, web: Web) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", web.port, timeout=5)) as connection:
        connection.request("POST", "/produced", b"no form", {"Content-Type": declared})
        assert connection.getresponse().status == 200


def test_several_requests_on_one_connection_are_answered_in_turn(web: Web) -> None:
    with closing(web.open("/produced")) as connection:
        connection.sendall(b"GET /produced HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        connection.sendall(b"GET /produced HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert read_all(connection).count(b"HTTP/1.1 200") == 5


def test_an_answer_to_head_has_no_body_and_the_next_one_on_the_connection_follows_its_head(web: Web) -> None:
    for number, path in enumerate(("/long", "/counted", "/idle")):
        with closing(socket.create_connection(("127.0.0.1", web.port), timeout=5)) as connection:
            connection.sendall(f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            connection.sendall(b"GET /produced HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            head, _, rest = read_all(connection).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), path
        assert (b"Content-Length: 262144" in head) == (path == "/long")
        assert rest.startswith(b"HTTP/1.1 200"), path
        # It should be as if its reader had gone: the stream ends.
        wait_until(lambda ended=number: web.produced()["ended"] == ended, within_s=5)


def test_streams_end_politely_at_sigterm(web: Web) -> None:
    with closing(web.open("/idle")) as connection:
        received = connection.recv(65536)
        while b"hello" not in received:
            received += connection.recv(65536)
        began = time.monotonic()
        web.command.send(signal.SIGTERM)
        assert b"good bye" in read_all(connection)
        assert web.command.wait(within_s=5) == 0
        assert time.monotonic() - began < 2


def test_nothing_new_is_accepted_while_streams_end_and_the_wait_is_bounded(web: Web) -> None:
    with closing(web.open("/deaf")) as connection:
        assert b"200" in connection.recv(65536)
        began = time.monotonic()
        web.command.send(signal.SIGTERM)
        wait_until(lambda: refuses(web.port), within_s=2, what="the refusal")
        assert web.command.wait(within_s=8) == 0
        assert 4.5 < time.monotonic() - began < 7


def test_an_address_that_cannot_be_listened_on_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = ManageCommand("serve_web", "--port", str(taken.getsockname()[1]))
        assert command.wait(within_s=15) == 1
    assert command.said("cannot listen on 127.0.0.1")


def test_the_application_runs_under_uvicorn_as_well() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "tests.small_service.asgi:application", "--port", str(port)],
        cwd=PROJECT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": SMALL_SERVICE, "SECRET_KEY": "for tests only"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: not refuses(port), within_s=15)
        with closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as connection:
            connection.sendall(b"GET /idle HTTP/1.1\r\nHost: x\r\n\r\n")
            received = connection.recv(65536)
            while b"hello" not in received:
                received += connection.recv(65536)
    finally:
        server.terminate()
        server.wait(15)


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return True
    return False
