"""Somebody who watches a run, is cut off again and again, and comes back each time with the last number it knew."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import httpx
import orjson

from config.demo.client import bursts_of
from config.drill.stage import Document, Unexpected
from runs.streaming.burst import Burst


@dataclass(slots=True)
class Viewer:
    """What one viewer has seen of one run: its events in the order in which they came."""

    client: httpx.AsyncClient
    run_id: UUID
    events: list[Document] = field(default_factory=list)
    visits: int = 0
    is_over: bool = False

    async def watch(self, leaves_after: Callable[[], int]) -> None:
        """The run was watched to its end; each visit but the last was cut off after so many events as `leaves_after` says."""
        while not self.is_over:
            self.visits += 1
            await self._visit(leaves_after())

    async def _visit(self, events: int) -> None:
        cursor = str(self.events[-1]["seq"]) if self.events else "0"
        headers, address = {"Last-Event-ID": cursor}, f"/runs/{self.run_id}/stream"
        async with self.client.stream("GET", address, headers=headers) as answer:
            if answer.status_code == httpx.codes.NO_CONTENT:  # it has ended, and all of it was seen
                self.is_over = True
                return
            if answer.status_code != httpx.codes.OK:
                raise Unexpected(f"GET {address} answered {answer.status_code}")
            async for burst in bursts_of(answer.aiter_bytes()):
                events -= self._take(burst)
                if events <= 0 or self.is_over:
                    return

    def _take(self, burst: Burst) -> int:
        seen = [orjson.loads(frame.data) for frame in burst if frame.event == "canonical_event"]
        self.events += seen
        self.is_over = any(frame.event == "end" for frame in burst)
        return len(seen)
