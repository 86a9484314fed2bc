"""Discovery: sessions that somebody else opened at the runtime become runs.

    the runtime's watch --> those that go on and are not known here --> those no run observes --> adopted, a few at once

Every observer watches; that a session has one run, the database sees to. Nothing is lost by being slow: while adopting
falls behind, the watch is read no further, and one that broke off begins again with every session the runtime knows.
"""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from typing import cast

from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import InterfaceError, OperationalError

from runs.bridge import rows
from runs.domain.discovered import may_become_a_run
from runs.domain.events import Observation, SessionSnapshot
from runs.errors import RuntimeFault, RuntimeUnavailable, RuntimeUnsupported
from runs.observer.backoff import pause
from runs.queries import sessions_without_run
from runs.runtimes.registry import Runtimes

log = logging.getLogger("signalbox.discovery")

# A run exists for the session once it returns; False if one did before.
Adopt = Callable[[str, SessionSnapshot], bool]

MOST_KNOWN = 10_000  # session ids; those forgotten are looked up again
MOST_WAITING = 1_000
BATCH = 256
AT_ONCE = 2  # an observer has few threads for rows, and runs that go on need them too
UNSUPPORTED_PAUSE_MS = 300_000  # a runtime that cannot be watched may be replaced by one that can


class Discovery:
    """The watch of one runtime's sessions in one observer."""

    def __init__(self, runtimes: Runtimes, adopt: Adopt) -> None:
        self._runtimes = runtimes
        self._adopt = adopt
        self._known = _Recent(MOST_KNOWN)
        self._failures = 0  # in a row

    async def watch(self) -> None:
        """Watches until it is cancelled; what breaks off is begun again, after a growing pause."""
        while True:
            longest_ms = settings.STREAM_BACKOFF_MAX_MS
            base_ms = settings.STREAM_BACKOFF_BASE_MS
            try:
                await self._follow(settings.RUNTIME_KIND)
            except* RuntimeUnsupported:
                log.info("the runtime does not tell of its sessions; none will be discovered")
                base_ms = longest_ms = UNSUPPORTED_PAUSE_MS
            except* RuntimeFault as faults:
                log.info("the watch of sessions broke off, beginning again: %s", faults.exceptions[0])
            except* DatabaseFault as faults:
                log.warning("sessions could not be adopted, beginning again: %s", faults.exceptions[0])
            await pause(self._failures, base_ms=base_ms, max_ms=longest_ms)
            self._failures += 1

    async def _follow(self, kind: str) -> None:
        """Every session that is told of is adopted, or known. Raises in a group what ends it."""
        waiting: asyncio.Queue[SessionSnapshot] = asyncio.Queue(MOST_WAITING)
        stream = cast(AsyncGenerator[Observation], self._runtimes.get(kind).sessions())
        async with contextlib.aclosing(stream), asyncio.TaskGroup() as group:
            group.create_task(self._adopt_waiting(kind, waiting, group))
            async for observation in stream:
                self._failures = 0  # it stands
                seen = observation.body
                if isinstance(seen, SessionSnapshot) and may_become_a_run(seen) and seen.session_id not in self._known:
                    await waiting.put(seen)
            raise RuntimeUnavailable("the runtime ended the watch")

    async def _adopt_waiting(
        self, kind: str, waiting: asyncio.Queue[SessionSnapshot], group: asyncio.TaskGroup
    ) -> None:
        """Whatever waits is adopted, so many at once that a slow one holds up no other."""
        slots = asyncio.Semaphore(AT_ONCE)
        while True:
            batch = await _next_batch(waiting)
            unknown = await rows(sessions_without_run, batch.keys())
            for session_id in batch.keys() - unknown:
                self._known.add(session_id)
            for session_id in batch.keys() & unknown:
                await slots.acquire()
                group.create_task(self._adopt_one(kind, batch[session_id], slots))

    async def _adopt_one(self, kind: str, seen: SessionSnapshot, slots: asyncio.Semaphore) -> None:
        try:
            if await rows(self._adopt, kind, seen):
                log.info("session %s of the runtime %s was discovered", seen.session_id, kind)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("session %s cannot be adopted, and will not be tried again", seen.session_id)
        finally:
            slots.release()
        self._known.add(seen.session_id)


async def _next_batch(waiting: asyncio.Queue[SessionSnapshot]) -> dict[str, SessionSnapshot]:
    """Whatever waits, at least one and at most BATCH, by session; of several about one session the latest."""
    seen = await waiting.get()
    batch = {seen.session_id: seen}
    while len(batch) < BATCH and not waiting.empty():
        seen = waiting.get_nowait()
        batch[seen.session_id] = seen
    return batch


class _Recent:
    """The names used latest, so many and no more."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._names: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def add(self, name: str) -> None:
        self._names[name] = None
        self._names.move_to_end(name)
        while len(self._names) > self._most:
            self._names.popitem(last=False)
