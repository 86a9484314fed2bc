"""The threads that synchronous views run on: kept for the next request, and held by no request that only streams.

Django would start a thread for every request and keep it to the end of the response, an endless stream's, too.
"""

import functools
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from runs import bridge

P = ParamSpec("P")
T = TypeVar("T")

MOST_KEPT = 32  # threads that wait for a request


class RequestThreads:
    """Single threads, each in use by one request at a time."""

    def __init__(self, most_kept: int = MOST_KEPT) -> None:
        self._free: list[ThreadPoolExecutor] = []
        self._most_kept = most_kept
        self._lock = threading.Lock()

    def take(self) -> ThreadPoolExecutor:
        """A thread that nobody else uses."""
        with self._lock:
            return self._free.pop() if self._free else ThreadPoolExecutor(1, thread_name_prefix="request")

    def give_back(self, thread: ThreadPoolExecutor) -> None:
        """The thread is there for the next request, or ends if enough others are."""
        with self._lock:
            if len(self._free) < self._most_kept:
                self._free.append(thread)
                return
        thread.shutdown(wait=False)


class RequestThread(Executor):
    """Where one request's synchronous calls run: on one thread, which it holds only while there is one to run.

    A call leaves no database connection behind on its thread, so that the next one may come to another.
    """

    def __init__(self, threads: RequestThreads) -> None:
        self._threads = threads
        self._held: ThreadPoolExecutor | None = None
        self._calls = 0
        self._lock = threading.Lock()

    def submit(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """The call runs after those that the request has begun before."""
        with self._lock:
            thread = self._held = self._held or self._threads.take()
            self._calls += 1
        return thread.submit(self._run, functools.partial(call, *args, **kwargs))

    def _run(self, call: Callable[[], T]) -> T:
        try:
            return call()
        finally:
            bridge.release_connection()
            self._release()

    def _release(self) -> None:
        with self._lock:
            self._calls -= 1
            if self._calls or self._held is None:
                return
            thread, self._held = self._held, None
        self._threads.give_back(thread)
