"""What a subscriber to /ws/runs is sent: a list of runs, and then whatever changes in it."""

import time
from collections.abc import AsyncGenerator
from uuid import UUID

import orjson
from django.conf import settings

from runs.domain.documents import iso
from runs.shutdown import Shutdown
from runs.streaming.burst import Burst
from runs.streaming.failure import last_words
from runs.streaming.frame import Frame
from runs.streaming.lifetime import Lifetime
from runs.streaming.run_feed import RunFeed, shared_feed
from runs.streaming.run_list import RunList
from runs.streaming.selection import ListSubscription
from runs.streaming.withdrawal import Viewer


def summaries(
    project_id: UUID,
    subscription: ListSubscription,
    *,
    shutdown: Shutdown | None = None,
    viewer: Viewer | None = None,
    feed: RunFeed | None = None,
) -> AsyncGenerator[Burst]:
    """Yield `snapshot`, then `run` and `run_removed` as runs change, and `heartbeat` in silence; never an empty burst.

    The last frame may be `error`. Without it the subscriber may come back at once, for a new snapshot: the process stops,
    the stream has reached its age, or its list has grown too long. Whether the `viewer` may still read is
    asked again and again; the refusal ends the stream. Close it (contextlib.aclosing) when leaving.
    """
    return _Stream(project_id, subscription, feed or shared_feed(), viewer).bursts(shutdown)


class _Stream:
    """One subscriber's stream: its list, and what is due next. Times are seconds of the monotonic clock."""

    def __init__(self, project_id: UUID, subscription: ListSubscription, feed: RunFeed, viewer: Viewer | None) -> None:
        self._subscription = subscription
        self._feed = feed
        self._lifetime = Lifetime(viewer)
        self._list = RunList(project_id, subscription.selection)
        self._sent_at = time.monotonic()

    async def bursts(self, shutdown: Shutdown | None) -> AsyncGenerator[Burst]:
        try:
            async with self._feed.joined(self._list):
                yield Burst([await self._snapshot()])
                with self._lifetime.within(shutdown, wake=self._list.wake):
                    while not (self._lifetime.is_over or self._list.is_too_long):
                        if burst := await self._next():
                            yield burst
                            self._sent_at = time.monotonic()
                        self._lifetime.check()
        except Exception as error:
            yield last_words("the list of runs", error)

    async def _snapshot(self) -> Frame:
        project_id, tellings = self._list.project_id, self._feed.tellings
        first = await self._feed.first_lists.get(project_id, self._subscription, tellings=tellings)
        self._list.show(first.run_ids)
        return first.frame

    async def _next(self) -> Burst:
        due = min(self._lifetime.due, self._heartbeat_at)
        await self._list.wait(max(0.0, due - time.monotonic()))
        self._feed.check()
        burst = self._list.take()
        if not burst and time.monotonic() >= self._heartbeat_at:
            burst = Burst([Frame("heartbeat", orjson.dumps({"ts": iso(self._feed.read_at)}))])
        return burst

    @property
    def _heartbeat_at(self) -> float:
        return self._sent_at + settings.STREAM_SSE_HEARTBEAT_MS / 1000
