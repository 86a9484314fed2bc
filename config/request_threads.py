"""The threads that synchronous views run on: kept for the next request, and held by no request that only streams.

Django would start a thread for every request and keep it to the end of the response, an endless stream's, too.
"""

import functools
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import ThreadSensitiveContext
from django.core.handlers.asgi import ASGIHandler
from django.core.signals import request_started
from django.db import close_old_connections, reset_queries

from runs import bridge

P = ParamSpec("P")
T = TypeVar("T")

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

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


class Handler(ASGIHandler):
    """Django, with threads that are kept."""

    def __init__(self) -> None:
        super().__init__()
        self._threads = RequestThreads()
        # A thread between two requests has no connection that could be old, and nobody reads the queries of one before.
        # These two would cost every request a change of threads.
        request_started.disconnect(close_old_connections)
        request_started.disconnect(reset_queries)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        async with ThreadSensitiveContext(executor=RequestThread(self._threads)):
            await self.handle(scope, receive, send)
