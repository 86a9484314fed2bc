"""A load session: with a rate it plays by the clock, heard or not; without one it plays while somebody reads it."""

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
        self._playing: dict[str, asyncio.Task[None]] = {}
        self.last = len(self._prepared) + 1

    def begin(self) -> None:
        """Every session there is plays by the clock, if there is a rate."""
        for session_id, log in self._sessions.logs.items():
            if self._rate and session_id not in self._playing:
                self._playing[session_id] = asyncio.create_task(self._play_by_the_clock(log))

    def frame(self, log: SessionLog, ordinal: int) -> bytes:
        """What stands at an ordinal of a session."""
        if ordinal == 1:
            return log.frames[0]
        told = (self._prepared + self._later)[ordinal - 2]
        return in_place_of(in_session(log.session_id, told), ordinal, self._faults)

    async def delivered(self, log: SessionLog, after: int) -> AsyncIterator[Numbered]:
        """The session from an ordinal to its end, as far as it is played."""
        if after == 0:
            yield 1, self.frame(log, 1)
        for ordinal in range(max(after, 1) + 1, self.last + 1):
            if self._rate:
                await self._played(log, ordinal)
            else:
                self._sessions.played(log, ordinal - 1)
            yield ordinal, self.frame(log, ordinal)
        self._resolve(log)
        for ordinal in range(max(after, self.last) + 1, self.last + len(self._later) + 1):
            yield ordinal, self.frame(log, ordinal)

    async def _played(self, log: SessionLog, ordinal: int) -> None:
        while log.activity["load"] < ordinal - 1:
            await log.stirred.wait()

    async def _play_by_the_clock(self, log: SessionLog) -> None:
        for ordinal in range(log.activity["load"] + 2, self.last + 1):
            await asyncio.sleep(max(0.0, log.began_at + (ordinal - 1) / self._rate - time()))
            if self._faults.at("suspend", ordinal):
                self._sessions.suspend(log.session_id)
                await asyncio.sleep(SUSPENDED_S)
                self._sessions.resume(log.session_id)
            while log.state == SUSPENDED:
                await log.stirred.wait()
            if log.state != OPEN:
                return
            self._sessions.played(log, ordinal - 1)
        self._resolve(log)

    def _resolve(self, log: SessionLog) -> None:
        if log.state == OPEN:
            self._sessions.move(log, RESOLVED, SAYS_RESOLVED)
