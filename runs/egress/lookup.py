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

LOOK_UPS_AT_ONCE = 32

_Question = tuple[str, int]
_Answer = concurrent.futures.Future[tuple[str, ...]]


async def look_up(host: str, port: int) -> Sequence[str]:
    """Every address of `host` as the system resolves it. Raises NotAnswered if it has none."""
    return await asyncio.wrap_future(_desk().ask((host, port)))


class _Desk:
    """Whoever asks what is being asked already shares that answer: a name that hangs holds up one thread and no more,
    however many ask for it, and leaves the others to other names."""

    def __init__(self) -> None:
        self._questions: queue.SimpleQueue[_Question] = queue.SimpleQueue()
        self._asked: dict[_Question, list[_Answer]] = {}
        self._lock = threading.Lock()
        for number in range(LOOK_UPS_AT_ONCE):
            threading.Thread(target=self._serve, name=f"look-up-{number}", daemon=True).start()

    def ask(self, question: _Question) -> _Answer:
        """The answer, once it is there."""
        answer: _Answer = concurrent.futures.Future()
        with self._lock:
            if question in self._asked:
                self._asked[question].append(answer)
            else:
                self._asked[question] = [answer]
                self._questions.put(question)
        return answer

    def _serve(self) -> None:
        while True:
            question = self._questions.get()
            if not self._is_wanted(question):
                continue  # whoever asked has given up meanwhile
            try:
                found = _resolve(*question)
            except Exception as error:
                for answer in self._waiting_for(question):
                    answer.set_exception(error)
            else:
                for answer in self._waiting_for(question):
                    answer.set_result(found)

    def _is_wanted(self, question: _Question) -> bool:
        with self._lock:
            if any(not answer.cancelled() for answer in self._asked[question]):
                return True
            del self._asked[question]
            return False

    def _waiting_for(self, question: _Question) -> list[_Answer]:
        with self._lock:
            waiting = self._asked.pop(question)
        return [answer for answer in waiting if answer.set_running_or_notify_cancel()]


@functools.cache
def _desk() -> _Desk:
    # A look-up cannot be interrupted and may hang for half a minute. Threads of an executor would be joined at the exit.
    return _Desk()


def _resolve(host: str, port: int) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotAnswered("the name cannot be resolved", reason="unresolved") from None
    return tuple(dict.fromkeys(str(where[0]) for *_, where in found))
