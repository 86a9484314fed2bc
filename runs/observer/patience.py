"""Patience: how long a runtime that is away is waited for. Only a real answer renews it; our own events never do."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from django.conf import settings

from runs.domain.endings import EndingCode
from runs.errors import BreakerOpen, RuntimeRejected, RuntimeTimedOut, RuntimeUnavailable
from runs.observer.backoff import pause
from runs.observer.decided import failed
from runs.observer.telling import is_for_now

T = TypeVar("T")


class Patience:
    """Counts failures since the last answer of one run's runtime; at its end the run is `runtime_unreachable`."""

    def __init__(self, slots: asyncio.Semaphore) -> None:
        self._slots = slots
        self._answered_at = time.monotonic()
        self.failures = 0
        self._unanswered = 0

    def answered(self) -> None:
        """The runtime has said something: it is not away. The pauses between attempts go on growing."""
        self._answered_at = time.monotonic()
        self._unanswered = 0

    def stood(self) -> None:
        """What failed before works: the runtime is not away, and the next pause is a short one again."""
        self.answered()
        self.failures = 0

    async def after(self, fault: Exception) -> None:
        """A pause has passed, longer after every failure. Raises Decided when the runtime has been away too long.

        Whoever refuses what comes too fast is not away: only the deadlines of the run limit how long that goes on.
        """
        if is_for_now(fault):
            self.answered()
        self._give_up_if_spent(fault)
        await pause(self.failures, base_ms=settings.STREAM_BACKOFF_BASE_MS, max_ms=settings.STREAM_BACKOFF_MAX_MS)
        if not isinstance(fault, BreakerOpen):  # a refusal by our own breaker is no attempt
            self.failures += 1
            self._unanswered += 1

    async def ask(self, call: Callable[[], Awaitable[T]]) -> T:
        """The answer of a call that may be repeated, however long the runtime is away within the limit, or too busy.

        Only the call itself takes one of the slots: a run that waits must not hold up the launch of others.
        """
        while True:
            try:
                async with self._slots:
                    answer = await call()
            except (RuntimeUnavailable, RuntimeTimedOut) as fault:
                await self.after(fault)
            except RuntimeRejected as refusal:
                if not is_for_now(refusal):
                    raise
                await self.after(refusal)
            else:
                self.stood()
                return answer

    @contextlib.asynccontextmanager
    async def opening(self) -> AsyncIterator[Callable[[], None]]:
        """One of the slots is held until what is yielded is called, at the end of the block at the latest.

        For subscribing, which is a call in flight until the stream stands: whoever takes over a thousand runs would
        otherwise subscribe to all of them at once.
        """
        await self._slots.acquire()
        with contextlib.ExitStack() as held:
            held.callback(self._slots.release)
            yield held.close

    def _give_up_if_spent(self, fault: Exception) -> None:
        silent_ms = (time.monotonic() - self._answered_at) * 1000
        too_often = 0 < settings.STREAM_MAX_RETRIES <= self._unanswered
        if silent_ms > settings.RUNTIME_UNREACHABLE_TIMEOUT_MS or too_often:
            raise failed(EndingCode.RUNTIME_UNREACHABLE, f"the runtime did not answer: {fault}", asked="no_answer")
