"""The proxy fails in exactly the way it was told to."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.proxy import Proxy

QUIET_S = 0.3  # nothing that is passed on over loopback takes this long
PATIENCE = 5.0


class Echo:
    """A server that says back whatever it hears."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while heard := connection.recv(65_536):
                connection.sendall(heard)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    echo = Echo()
    with Proxy("127.0.0.1", echo.port) as proxy:
        yield proxy
    echo.close()


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE)


def answer(connection: socket.socket, text: bytes, *, within_s: float = PATIENCE) -> bytes:
    """What comes back; nothing if nothing came in time."""
    connection.settimeout(within_s)
    connection.sendall(text)
    heard = b""
    with contextlib.suppress(TimeoutError):
        while len(heard) < len(text):
            part = connection.recv(65_536)
            if not part:
                break
            heard += part
    return heard


def test_everything_is_passed_on_both_ways_however_much_it_is(proxy: Proxy) -> None:
    text = b"x" * 3_000_000
    with connect(proxy) as connection:
        sender = threading.Thread(target=connection.sendall, args=[text])
        sender.start()
        heard = 0
        while heard < len(text):
            heard += len(connection.recv(65_536))
        sender.join()
    assert heard == len(text)


def test_a_cut_connection_is_reset_and_the_next_one_is_accepted(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        assert answer(connection, b"one") == b"one"
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    with connect(proxy) as connection:
        assert answer(connection, b"two") == b"two"


def test_whoever_connects_is_refused_and_the_others_go_on(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        assert answer(connection, b"one") == b"one"
        proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            connect(proxy)
        assert answer(connection, b"two") == b"two"
    proxy.pass_through()
    with connect(proxy) as connection:
        assert answer(connection, b"three") == b"three"


@pytest.mark.parametrize(("up", "down"), [(True, True), (True, False), (False, True)])
def test_a_black_hole_takes_everything_and_gives_it_back_later(proxy: Proxy, up: bool, down: bool) -> None:
    with connect(proxy) as before:
        assert answer(before, b"one") == b"one"
        proxy.black_hole(up=up, down=down)
        with connect(proxy) as during:
            assert answer(before, b"two", within_s=QUIET_S) == b""
            assert answer(during, b"three", within_s=QUIET_S) == b""
            proxy.pass_through()
            during.settimeout(PATIENCE)
            assert during.recv(10) == b"three"
        before.settimeout(PATIENCE)
        assert before.recv(10) == b"two"


def test_a_delay_is_there_in_both_directions(proxy: Proxy) -> None:
    proxy.delay(QUIET_S, jitter=QUIET_S / 10)
    with connect(proxy) as connection:
        began = time.monotonic()
        assert answer(connection, b"one") == b"one"
        assert time.monotonic() - began > 2 * QUIET_S * 0.9


def test_a_server_that_is_not_there_is_an_ended_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with contextlib.suppress(ConnectionResetError), Proxy("127.0.0.1", port) as proxy, connect(proxy) as connection:
        assert connection.recv(1) == b""
