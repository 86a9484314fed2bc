"""Intake: what a runtime's stream has ready, in batches. A quiet stream has no added latency, a busy one few transactions."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from types import TracebackType

from runs.domain.events import Observation
from runs.errors import RuntimeUnavailable

# A stream this much ahead of the database is not read further: memory per run stays bounded.
AHEAD = 8
# From this size on a batch was no trickle, and the next one is worth a short wait.
BUSY = 8


class StreamEnded(Exception):
    """The runtime closed the stream without an error."""


class Intake:
    """Reads a stream on a task of its own. Use as an async context manager: leaving it closes the stream.

    `stands` is called once, at the first observation: the subscription is not in flight any more.
    """

    def __init__(
        self, stream: AsyncIterator[Observation], *, size: int, wait_ms: int, stands: Callable[[], None]
    ) -> None:
        self._stream = stream
        self._stands: Callable[[], None] | None = stands
        self._size = size
        self._wait = wait_ms / 1000
        self._ready: list[Observation] = []
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._room = asyncio.Event()
        self._failure: Exception | None = None
        self._last_size = 0

    async def __aenter__(self) -> "Intake":
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})  # not awaited itself: our own cancelling must not pass for the reader's

    async def take(self, timeout: float) -> list[Observation]:
        """What is ready, at most `size`; an empty list after `timeout` seconds of silence.

        Raises what ended the stream (StreamEnded, or the adapter's fault) once everything before it was taken.
        """
        if not self._ready and self._failure is None:
            self._arrived.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._arrived.wait()
        if self._last_size >= BUSY and len(self._ready) < self._size and self._failure is None:
            await self._fill()
        batch, self._ready = self._ready[: self._size], self._ready[self._size :]
        self._last_size = len(batch)
        self._full.clear()
        self._room.set()
        if not batch and self._failure is not None:
            raise self._failure
        return batch

    async def says_more(self, *, within_s: float) -> bool:
        """True once something is ready to be taken, or the stream is over; False after so many seconds of silence."""
        if not self._ready and self._failure is None:
            self._arrived.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._arrived.wait()
        return bool(self._ready) or self._failure is not None

    def interrupt(self) -> None:
        """A `take` that waits returns at once, as after silence."""
        self._arrived.set()

    async def _fill(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._wait):
                await self._full.wait()

    async def _read(self) -> None:
        try:
            async with contextlib.aclosing(self._stream) as stream:  # type: ignore[type-var]
                async for observation in stream:
                    if self._stands is not None:
                        self._stands()
                        self._stands = None
                    self._ready.append(observation)
                    self._arrived.set()
                    if len(self._ready) >= self._size:
                        self._full.set()
                    if len(self._ready) >= self._size * AHEAD:
                        self._room.clear()
                        await self._room.wait()
            self._failure = StreamEnded("the runtime closed the stream")
        except Exception as error:
            self._failure = error
        finally:
            # A stream may be cancelled below us, by its own adapter.
            self._failure = self._failure or RuntimeUnavailable("the stream was cancelled")
            self._arrived.set()
            self._full.set()
