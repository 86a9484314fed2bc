"""A load session: it plays its prepared messages while somebody reads them, and then resolves."""

import asyncio
from collections.abc import AsyncIterator
from time import time

from tests.stand_in_runtime.delivery import Numbered
from tests.stand_in_runtime.faults import Faults
from tests.stand_in_runtime.load import in_session, prepared, prepared_after_the_end
from tests.stand_in_runtime.log import OPEN, RESOLVED, SUSPENDED, SessionLog
from tests.stand_in_runtime.odd import in_place_of
from tests.stand_in_runtime.sessions import SAYS_RESOLVED, Sessions

SUSPENDED_S = 1.0


class Player:
    """Plays every session alike: `events` messages and a Commitment, as fast as they are read or at `rate` a second."""

    def __init__(self, sessions: Sessions, faults: Faults, *, events: int, rate: float) -> None:
        self._sessions = sessions
        self._faults = faults
        self._prepared = prepared(events)
        self._later = prepared_after_the_end(faults.number_of("talk-on"))
        self._rate = rate
        self.last = len(self._prepared) + 1

    def frame(self, log: SessionLog, ordinal: int) -> bytes:
        """What stands at an ordinal of a session."""
        if ordinal == 1:
            return log.frames[0]
        told = (self._prepared + self._later)[ordinal - 2]
        return in_place_of(in_session(log.session_id, told), ordinal, self._faults)

    async def play(self, log: SessionLog, after: int) -> AsyncIterator[Numbered]:
        """The session from an ordinal to its end, which it then has reached."""
        if after == 0:
            yield 1, self.frame(log, 1)
        for ordinal in range(max(after, 1) + 1, self.last + 1):
            await self._due(log, ordinal)
            self._sessions.played(log, ordinal - 1)
            yield ordinal, self.frame(log, ordinal)
        if log.state == OPEN:
            self._sessions.move(log, RESOLVED, SAYS_RESOLVED)
        for ordinal in range(max(after, self.last) + 1, self.last + len(self._later) + 1):
            yield ordinal, self.frame(log, ordinal)

    async def _due(self, log: SessionLog, ordinal: int) -> None:
        if self._rate:
            await asyncio.sleep(max(0.0, log.began_at + (ordinal - 1) / self._rate - time()))
        if self._faults.at("suspend", ordinal):
            self._sessions.suspend(log.session_id)
            asyncio.get_running_loop().call_later(SUSPENDED_S, self._sessions.resume, log.session_id)
        while log.state == SUSPENDED:
            await asyncio.sleep(0.05)
