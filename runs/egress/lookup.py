"""Looking a name up: the one question to the name server, asked on threads that nobody has to wait for."""

import asyncio
import concurrent.futures
import functools
import queue
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence

from runs.errors import NotAnswered

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""From a host name and a port to every address it has now. Raises NotAnswered if it has none."""

LOOK_UPS_AT_ONCE = 16

_Question = tuple["concurrent.futures.Future[tuple[str, ...]]", str, int]


async def look_up(host: str, port: int) -> Sequence[str]:
    """Every address of `host` as the system resolves it. Raises NotAnswered if it has none."""
    answer: concurrent.futures.Future[tuple[str, ...]] = concurrent.futures.Future()
    _desk().put((answer, host, port))
    return await asyncio.wrap_future(answer)


@functools.cache
def _desk() -> "queue.SimpleQueue[_Question]":
    # A look-up cannot be interrupted and may hang for half a minute. Threads of an executor would be joined at the exit.
    desk: queue.SimpleQueue[_Question] = queue.SimpleQueue()
    for number in range(LOOK_UPS_AT_ONCE):
        threading.Thread(target=_serve, args=(desk,), name=f"look-up-{number}", daemon=True).start()
    return desk


def _serve(desk: "queue.SimpleQueue[_Question]") -> None:
    while True:
        answer, host, port = desk.get()
        if not answer.set_running_or_notify_cancel():
            continue  # whoever asked has given up meanwhile
        try:
            answer.set_result(_resolve(host, port))
        except Exception as error:
            answer.set_exception(error)


def _resolve(host: str, port: int) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotAnswered("the name cannot be resolved", reason="unresolved") from None
    return tuple(dict.fromkeys(str(where[0]) for *_, where in found))
