"""What every process must know of the others' breakers, in rows: each change of state, and that somebody reset them all.

No call waits for a row. A change is written beside the calls, and rows are read only where a breaker is not closed.
"""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field
from uuid import UUID

from django.db import Error as DatabaseFault

from runs.bridge import rows
from runs.models import BreakerChange
from runs.models.identity import uuid7
from runs.runtimes.breaker import BreakerState
from runs.runtimes.registry import Runtimes

log = logging.getLogger(__name__)

MOST_WAITING = 100  # of a database that is away for long the oldest changes are not told
AGAIN_AFTER_SECONDS = 1.0
RESET = "reset by hand"


@dataclass(frozen=True, slots=True)
class _Change:
    kind: str
    state: BreakerState
    reason: str
    id: UUID = field(default_factory=uuid7)


class BreakerLog:
    """The changes of one process, an observer or not. Belongs to one event loop."""

    def __init__(self) -> None:
        self.observer: UUID | None = None  # who this process is, once it is known
        self._waiting: deque[_Change] = deque(maxlen=MOST_WAITING)
        self._writing: asyncio.Task[None] | None = None

    def note(self, kind: str, state: BreakerState, reason: str) -> None:
        """The change will be in a row, after those before it."""
        self._waiting.append(_Change(kind, state, reason))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def heed(self, runtimes: Runtimes) -> None:
        """Breakers that somebody has reset since they opened are closed. Asks nothing where all are closed."""
        for kind, breaker in runtimes.tripped():
            try:
                is_reset = await rows(BreakerChange.objects.reset_within, kind, breaker.tripped_for)
            except DatabaseFault as error:
                log.info("whether the breaker of %s was reset is not known: %s", kind, error)
                continue
            if is_reset:
                breaker.reset(RESET)

    async def close(self) -> None:
        """Nothing more is written."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait({self._writing})

    async def _write(self) -> None:
        while self._waiting:
            change = self._waiting[0]
            try:
                await rows(_store, change, self.observer)
            except DatabaseFault as error:
                log.warning("a change of a breaker could not be stored, trying again: %s", error)
                await asyncio.sleep(AGAIN_AFTER_SECONDS)
                continue
            except Exception:
                log.exception("a change of a breaker cannot be stored")
            if self._waiting and self._waiting[0] is change:
                self._waiting.popleft()


def _store(change: _Change, observer: UUID | None) -> None:
    """The change is in a row, once: trying again after a lost answer adds none."""
    row = BreakerChange(id=change.id, kind=change.kind, state=change.state, reason=change.reason, observer_id=observer)
    BreakerChange.objects.bulk_create([row], ignore_conflicts=True)
