"""Orders: what others want of a run is a row; its owner carries it out, under its epoch, as soon as it is called.

Two kinds, each on a loop of its own so that a message that waits for its runtime holds up no cancel: the run's wish
(cancel, suspend, resume) and the messages that wait to be sent.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from uuid import UUID

from django.db import connection

from runs.observer.owned import OwnedRun
from runs.observer.steering import send_waiting
from runs.observer.wishes import fulfil_wish
from runs.runtimes.port import Session

_ORDERED = """
SELECT id FROM runs_run
 WHERE observer_id = %(me)s AND ending_seq IS NULL AND wanted IS NOT NULL
UNION
SELECT m.run_id FROM runs_outboundmessage m JOIN runs_run r ON r.id = m.run_id
 WHERE r.observer_id = %(me)s AND r.ending_seq IS NULL AND m.status IN ('queued', 'sent') AND m.category <> 'kickoff'
"""


def ordered_runs(observer: UUID) -> list[UUID]:
    """The runs of `observer` of which something is wanted, or into which something waits to be sent."""
    with connection.cursor() as cursor:
        cursor.execute(_ORDERED, {"me": observer})
        return [run_id for (run_id,) in cursor.fetchall()]


class Orders:
    """The orders of one run, carried out by its owner. `recheck` has the session's state read: it may be over."""

    def __init__(self, run: OwnedRun, session: Session, *, recheck: Callable[[], None]) -> None:
        self._run = run
        self._session = session
        self._recheck = recheck
        self._calls = (asyncio.Event(), asyncio.Event())

    def look(self) -> None:
        """Somebody has ordered something, or may have: both loops look at the rows."""
        for called in self._calls:
            called.set()

    async def obey(self) -> None:
        """Carries orders out until it is cancelled. Raises what ends the run (Decided), or that it is no longer ours."""
        fulfil = functools.partial(fulfil_wish, recheck=self._recheck)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._whenever(self._calls[0], fulfil))
            group.create_task(self._whenever(self._calls[1], send_waiting))

    async def _whenever(self, called: asyncio.Event, carry_out: Callable[[OwnedRun, Session], Awaitable[None]]) -> None:
        while True:
            called.clear()
            await carry_out(self._run, self._session)
            await called.wait()
