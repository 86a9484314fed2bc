"""Viewers of lists of runs, read frame by frame; they must be closed, as connections are."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson

from runs.models.project import DEFAULT_PROJECT_ID
from runs.shutdown import Shutdown
from runs.streaming.frame import Frame
from runs.streaming.run_feed import RunFeed
from runs.streaming.selection import ListSubscription, Selection
from runs.streaming.summaries import summaries

PATIENCE = 10.0  # seconds until a stream that should speak is called broken


class ListViewer:
    """One subscriber to a list of runs; `frames` are all that it was sent so far."""

    def __init__(
        self, project_id: UUID, subscription: ListSubscription, *, feed: RunFeed | None, shutdown: Shutdown | None
    ) -> None:
        self.frames: list[Frame] = []
        self._bursts = summaries(project_id, subscription, feed=feed, shutdown=shutdown)
        self._waiting: list[Frame] = []

    async def next(self) -> tuple[str, Any] | None:
        """Name and data of the next frame; None once the stream is over."""
        async with asyncio.timeout(PATIENCE):
            if not self._waiting:
                self._waiting = list(await anext(self._bursts, []))
        if not self._waiting:
            return None
        frame = self._waiting.pop(0)
        self.frames.append(frame)
        return frame.event, orjson.loads(frame.data)

    async def next_of(self, run_id: UUID) -> tuple[str, Any]:
        """The next frame that is about this run."""
        while (frame := await self.next()) is not None:
            if frame[1].get("id") == str(run_id):
                return frame
        raise AssertionError("the stream ended by itself")

    async def until(self, run_id: UUID, **members: object) -> Any:
        """The first `run` frame of this run in which these members have these values."""
        while True:
            name, data = await self.next_of(run_id)
            if name == "run" and members.items() <= data.items():
                return data

    async def until_removed(self, run_id: UUID) -> None:
        """The run is off the list; until then it may have been shown."""
        while (await self.next_of(run_id))[0] != "run_removed":
            pass

    async def close(self) -> None:
        """The subscriber has left."""
        await self._bursts.aclose()


@contextlib.asynccontextmanager
async def viewing(
    *,
    project_id: UUID = DEFAULT_PROJECT_ID,
    limit: int = 50,
    feed: RunFeed | None = None,
    shutdown: Shutdown | None = None,
    **selection: Any,
) -> AsyncIterator[tuple[ListViewer, list[str]]]:
    """A viewer of this selection, and the ids in its first list."""
    subscription = ListSubscription(selection=Selection(**selection), limit=limit)
    viewer = ListViewer(project_id, subscription, feed=feed, shutdown=shutdown)
    try:
        first = await viewer.next()
        assert first is not None, "the stream should begin"
        assert first[0] == "snapshot", first
        yield viewer, [row["id"] for row in first[1]["data"]]
    finally:
        await viewer.close()
