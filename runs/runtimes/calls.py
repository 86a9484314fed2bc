"""Asking a runtime from synchronous code: one loop per process owns whatever connections that takes."""

import functools
import os
from collections.abc import Callable, Coroutine
from typing import TypeVar

from django.conf import settings

from runs.bridge import Loop
from runs.errors import RuntimeTimedOut
from runs.runtimes.port import Runtime
from runs.runtimes.registry import Runtimes

T = TypeVar("T")


def ask_runtime(kind: str, question: Callable[[Runtime], Coroutine[object, object, T]]) -> T:
    """What `question` finds out about the runtime of a kind, within the configured time.

    Raises what the port may raise; RuntimeTimedOut also where the adapter itself does not come back.
    """
    loop, runtimes = _calls()

    async def on_the_loop() -> T:
        return await question(runtimes.get(kind))

    try:
        return loop.ask(on_the_loop(), timeout=settings.RUNTIME_REQUEST_TIMEOUT_MS / 1000)
    except TimeoutError:
        raise RuntimeTimedOut from None


@functools.cache
def _calls() -> tuple[Loop, Runtimes]:
    return Loop(), Runtimes()


# A forked child has none of its parent's threads.
os.register_at_fork(after_in_child=_calls.cache_clear)
