"""The one crossing between async code and rows, and the one back from sync code to a runtime.

All code that touches rows is synchronous. `rows()` runs it on this process's own threads, each with a database connection
of its own (`database_sync_to_async` would share a single thread among all callers). `Loop` is the way back: one daemon
thread with an event loop that owns whatever gRPC channels a web process needs, made after any fork.
"""

import asyncio
import contextvars
import functools
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, close_old_connections, connections

P = ParamSpec("P")
T = TypeVar("T")


@functools.cache
def _threads() -> ThreadPoolExecutor:
    # Two connections stay for the beat and whatever the process does beside the bridge.
    workers = max(1, min(settings.BRIDGE_THREADS, settings.DB_POOL_MAX - 2))
    return ThreadPoolExecutor(max_workers=workers, thread_name_prefix="rows")


# A forked child has none of its parent's threads, and would wait for them for ever.
os.register_at_fork(after_in_child=_threads.cache_clear)


def _with_connection(call: Callable[[], T]) -> T:
    close_old_connections()
    try:
        return call()
    finally:
        release_connection()


def release_connection() -> None:
    """This thread holds no connection that others might need; a transaction that is open keeps its own."""
    ours = connections[DEFAULT_DB_ALIAS]
    if ours.settings_dict.get("CONN_MAX_AGE") != 0:
        close_old_connections()
    elif not ours.in_atomic_block:
        ours.close()  # back to the pool


async def rows(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `function` returns, run on a thread that may touch rows. Exceptions come through unchanged."""
    call = functools.partial(contextvars.copy_context().run, function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_threads(), _with_connection, call)


class Loop:
    """An event loop on a daemon thread of its own, for sync code that must call a runtime."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="runtime-calls", daemon=True).start()

    def ask(self, question: Coroutine[object, object, T], *, timeout: float) -> T:
        """The answer of a coroutine run on the loop; raises TimeoutError after `timeout` seconds, and cancels it."""
        future = asyncio.run_coroutine_threadsafe(question, self._loop)
        try:
            return future.result(timeout)
        except TimeoutError:
            future.cancel()
            raise
