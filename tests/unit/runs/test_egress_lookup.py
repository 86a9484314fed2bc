"""Looking names up: nobody waits for somebody else's name server."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from runs.egress import look_up, lookup


class NameServer:
    """Knows every name at once, but `hangs.example` only when it is let go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_let_go = threading.Event()

    def __call__(self, host: str, port: int, **more: object) -> list[object]:
        self.asked.append(host)
        if host == "hangs.example":
            self.is_let_go.wait(60)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", port))]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    lookup._desk.cache_clear()  # what another test has left hanging is not shared
    server = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", server)
    yield server
    server.is_let_go.set()


async def test_a_name_that_hangs_keeps_nobody_from_looking_up_another(server: NameServer) -> None:
    hung = [asyncio.create_task(look_up("hangs.example", 443)) for _ in range(lookup.LOOK_UPS_AT_ONCE + 1)]
    async with asyncio.timeout(30):
        assert await look_up("quick.example", 443) == ("192.0.2.1",)
    for task in hung:
        task.cancel()
    await asyncio.wait(hung)
    assert all(task.cancelled() for task in hung)
    assert server.asked.count("hangs.example") == 1


async def test_whoever_gives_up_takes_no_answer_from_whoever_asked_the_same(server: NameServer) -> None:
    first, second = (asyncio.create_task(look_up("hangs.example", 443)) for _ in range(2))
    await asyncio.sleep(0)  # both have asked
    first.cancel()
    await asyncio.wait({first})
    server.is_let_go.set()
    async with asyncio.timeout(30):
        assert await second == ("192.0.2.1",)
        # It should be asked anew: what a name stands for may change at any time.
        assert await look_up("hangs.example", 443) == ("192.0.2.1",)
    assert server.asked == ["hangs.example", "hangs.example"]
