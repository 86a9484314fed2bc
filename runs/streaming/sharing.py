"""Readings that are shared: whoever wants the same at the same time waits for one of them."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SharedReadings(Generic[K, V]):
    """One reading in flight for each key, however many ask; with `keeps`, what was read once is never read again."""

    def __init__(self, read: Callable[[K], Awaitable[V]], *, keeps: bool = False) -> None:
        self._read = read
        self._keeps = keeps
        self._readings: dict[K, asyncio.Future[V]] = {}

    async def get(self, key: K) -> V:
        """What was read for the key. Raises what the reading raised, to everybody who waited for it."""
        reading = self._readings.get(key)
        if reading is None:
            reading = self._readings[key] = asyncio.ensure_future(self._read(key))
            reading.add_done_callback(lambda done: self._is_done(key, done))
        # Whoever leaves while it is read does not take it from the others.
        return await asyncio.shield(reading)

    def drop(self) -> None:
        """Nobody waits for anything any more, and nothing is kept."""
        for reading in list(self._readings.values()):
            reading.cancel()
        self._readings.clear()

    def _is_done(self, key: K, reading: "asyncio.Future[V]") -> None:
        failed = reading.cancelled() or reading.exception() is not None
        if failed or not self._keeps:
            self._readings.pop(key, None)
