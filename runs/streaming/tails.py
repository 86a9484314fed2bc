"""All tails of one process, by run, and the poll that makes up for lost nudges."""

import asyncio
import contextlib
import logging
import weakref
from collections.abc import AsyncIterator
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError

from runs import bridge, hub
from runs.streaming.log import heads_of
from runs.streaming.tail import Tail
from runs.streaming.window import Budget

log = logging.getLogger("signalbox.streaming")


@contextlib.asynccontextmanager
async def watching(run_id: UUID) -> AsyncIterator[Tail]:
    """The run's tail, shared with whoever else watches the run here; it goes with the last of them."""
    tail = tails_of_this_loop().of(run_id)
    async with tail.held():
        yield tail


class Tails:
    """The tails of one event loop; while there are any, one poll for all of them."""

    def __init__(self) -> None:
        self.budget = Budget()
        self._tails: dict[UUID, Tail] = {}
        self._polling: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._tails)

    def of(self, run_id: UUID) -> Tail:
        """The run's tail, a new one if nobody watches the run yet."""
        tail = self._tails.get(run_id)
        if tail is None:
            tail = self._tails[run_id] = Tail(run_id, self.budget, forget=self._forget)
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll(), name="poll of tails")
        return tail

    def _forget(self, tail: Tail) -> None:
        if self._tails.get(tail.run_id) is tail:
            del self._tails[tail.run_id]
        if not self._tails and self._polling is not None:
            self._polling.cancel()
            self._polling = None

    async def _poll(self) -> None:
        """A lost nudge costs the interval: one statement says how far the logs go, however many runs are watched."""
        async with hub.subscribe_to_returns() as returns:
            while True:
                await returns.wait(settings.STREAM_POLL_MS / 1000)
                for tail in await self._behind([tail for tail in self._tails.values() if tail.is_moving]):
                    tail.nudge()
                for tail in self._tails.values():
                    tail.snapshots.forget()

    async def _behind(self, moving: list[Tail]) -> list[Tail]:
        if not moving:
            return []
        try:
            read_at, heads = await bridge.rows(heads_of, [tail.run_id for tail in moving])
        except (OperationalError, InterfaceError) as error:
            log.warning("the poll of tails failed: %s", error)
        except Exception:
            log.exception("the poll of tails failed")
        else:
            return [tail for tail in moving if tail.is_behind(heads.get(tail.run_id), read_at)]
        return moving  # each finds out for itself


_TAILS: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Tails] = weakref.WeakKeyDictionary()


def tails_of_this_loop() -> Tails:
    """Those that watchers in the running event loop share."""
    return _TAILS.setdefault(asyncio.get_running_loop(), Tails())
