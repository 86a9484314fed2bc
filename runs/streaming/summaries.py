"""What a subscriber to /ws/runs is sent: a list of runs, and then whatever changes in it."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from uuid import UUID

import orjson
from django.conf import settings
from django.db import InterfaceError, OperationalError

from runs import bridge
from runs.domain.documents import iso
from runs.errors import ControlPlaneError
from runs.shutdown import Shutdown
from runs.streaming.frame import Burst, Frame, error_frame
from runs.streaming.frames import RECHECK_SECONDS
from runs.streaming.run_feed import RunFeed, shared_feed
from runs.streaming.run_list import RunList
from runs.streaming.selection import ListSubscription

log = logging.getLogger("signalbox.streaming")


async def summaries(
    project_id: UUID,
    subscription: ListSubscription,
    *,
    shutdown: Shutdown | None = None,
    recheck: Callable[[], object] | None = None,
    feed: RunFeed | None = None,
) -> AsyncGenerator[Burst]:
    """Yield `snapshot`, then `run` and `run_removed` as runs change, and `heartbeat` in silence; never an empty burst.

    The last frame may be `error`. Without it the subscriber may come back at once, for a new snapshot: the process stops,
    the stream has reached its age, or its list has grown too long. `recheck` is asked now and then whether the
    subscriber may still read; what it raises ends the stream. Close it (contextlib.aclosing) when leaving.
    """
    stream = _Stream(project_id, subscription, feed or shared_feed(), recheck)
    try:
        async with contextlib.aclosing(stream.bursts(shutdown)) as bursts:
            async for burst in bursts:
                yield burst
    except ControlPlaneError as error:
        yield [error_frame(error.code, error.message)]
    except (OperationalError, InterfaceError):
        log.warning("a stream of runs: the database cannot be reached")
        yield [error_frame("SERVICE_UNAVAILABLE", "The database cannot be reached.")]
    except Exception:
        log.exception("a stream of runs failed")
        yield [error_frame("INTERNAL_ERROR", "The stream failed.")]


class _Stream:
    """One subscriber's stream: its list, and what is due next. Times are seconds of the monotonic clock."""

    def __init__(
        self, project_id: UUID, subscription: ListSubscription, feed: RunFeed, recheck: Callable[[], object] | None
    ) -> None:
        self._subscription = subscription
        self._feed = feed
        self._recheck = recheck
        self._list = RunList(project_id, subscription.selection)
        self._sent_at = time.monotonic()
        self._recheck_at = self._sent_at + RECHECK_SECONDS if recheck else float("inf")
        # Spread, so that subscribers who came together do not all come back together.
        self._closes_at = self._sent_at + settings.STREAM_MAX_AGE_S * random.uniform(0.8, 1.2)  # noqa: S311
        self._is_stopping = False

    async def bursts(self, shutdown: Shutdown | None) -> AsyncGenerator[Burst]:
        async with self._feed.joined(self._list):
            yield [await self._snapshot()]
            with self._woken_by(shutdown):
                while not self._is_over():
                    if burst := await self._next():
                        yield burst
                        self._sent_at = time.monotonic()
                    await self._recheck_if_due()

    async def _snapshot(self) -> Frame:
        project_id, tellings = self._list.project_id, self._feed.tellings
        first = await self._feed.first_lists.get(project_id, self._subscription, tellings=tellings)
        self._list.show(first.run_ids)
        return first.frame

    async def _next(self) -> Burst:
        due = min(self._closes_at, self._heartbeat_at, self._recheck_at)
        await self._list.wait(max(0.0, due - time.monotonic()))
        self._feed.check()
        burst = self._list.take()
        if not burst and time.monotonic() >= self._heartbeat_at:
            burst = [Frame("heartbeat", orjson.dumps({"ts": iso(self._feed.read_at)}))]
        return burst

    async def _recheck_if_due(self) -> None:
        if self._recheck is not None and time.monotonic() >= self._recheck_at:
            await bridge.rows(self._recheck)
            self._recheck_at = time.monotonic() + RECHECK_SECONDS

    @property
    def _heartbeat_at(self) -> float:
        return self._sent_at + settings.STREAM_SSE_HEARTBEAT_MS / 1000

    def _is_over(self) -> bool:
        return self._is_stopping or self._list.is_too_long or time.monotonic() >= self._closes_at

    @contextlib.contextmanager
    def _woken_by(self, shutdown: Shutdown | None) -> Iterator[None]:
        if shutdown is None:
            yield
            return
        waiting = asyncio.create_task(self._stop_at(shutdown))
        try:
            yield
        finally:
            waiting.cancel()

    async def _stop_at(self, shutdown: Shutdown) -> None:
        await shutdown.wait()
        self._is_stopping = True
        self._list.wake()
