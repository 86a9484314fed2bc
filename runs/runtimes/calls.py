"""Asking a runtime from synchronous code: one loop per process owns whatever connections that takes."""

import functools
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TypeVar

from django.conf import settings

from runs.bridge import Loop
from runs.errors import RuntimeTimedOut
from runs.runtimes.breaker import BreakerState
from runs.runtimes.breaker_log import BreakerLog
from runs.runtimes.health import PATIENCE_S, Health, HealthChecks
from runs.runtimes.port import Runtime
from runs.runtimes.registry import Runtimes

T = TypeVar("T")


def ask_runtime(kind: str, question: Callable[[Runtime], Coroutine[object, object, T]]) -> T:
    """What `question` finds out about the runtime of a kind, within the configured time.

    Raises what the port may raise; RuntimeTimedOut also where the adapter itself does not come back.
    """
    calls = _calls()

    async def on_the_loop() -> T:
        await calls.breakers.heed(calls.runtimes)
        return await question(calls.runtimes.get(kind))

    try:
        return calls.loop.ask(on_the_loop(), timeout=settings.RUNTIME_REQUEST_TIMEOUT_MS / 1000)
    except TimeoutError:
        raise RuntimeTimedOut from None


def runtime_health(kind: str | None = None) -> Health:
    """Whether the runtime of a kind (RUNTIME_KIND by default) is there, as it was found at most five seconds ago."""
    calls, kind = _calls(), kind or settings.RUNTIME_KIND
    question = calls.health.of(kind, lambda: calls.runtimes.get(kind).adapter)
    try:
        return calls.loop.ask(question, timeout=PATIENCE_S * 2)
    except TimeoutError:
        return Health(ok=False, kind=kind, detail="this process is too busy to ask")


def own_breaker_state(kind: str) -> BreakerState:
    """The state of this process's own breaker of a kind, which is closed until it is first needed."""
    calls = _calls()

    async def on_the_loop() -> BreakerState:
        await calls.breakers.heed(calls.runtimes)
        tripped = dict(calls.runtimes.tripped()).get(kind)
        return tripped.state if tripped is not None else "CLOSED"

    return calls.loop.ask(on_the_loop(), timeout=settings.RUNTIME_REQUEST_TIMEOUT_MS / 1000)


@dataclass(frozen=True, slots=True)
class _Calls:
    """What this process asks runtimes with."""

    loop: Loop
    breakers: BreakerLog
    runtimes: Runtimes
    health: HealthChecks


@functools.cache
def _calls() -> _Calls:
    breakers = BreakerLog()
    return _Calls(Loop(), breakers, Runtimes(on_breaker_change=breakers.note), HealthChecks())


# A forked child has none of its parent's threads.
os.register_at_fork(after_in_child=_calls.cache_clear)
