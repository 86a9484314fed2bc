"""A runtime that plays what a test wrote down: each subscription and each GetSession has its own answer."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import cast

from runs.domain.events import Observation, ObservationKind, StreamStatus
from runs.domain.lifecycle import RunStatus
from runs.domain.requests import ExecutionRequest
from runs.ending import Questions
from runs.errors import RuntimeFault, RuntimeUnavailable
from runs.models import Run
from runs.observer.owned import OwnedRun
from runs.observer.recovery import Recovered
from runs.observer.session import RunObserver
from runs.runtimes.port import Runtime, SessionPlan
from tests.cast import MODE, fresh

OPENED = Observation(kind=ObservationKind.STREAM_STATUS, body=StreamStatus(status="opened"))
PATIENCE_SECONDS = 15

Line = Observation | BaseException


class Silence(BaseException):
    """As a line: the stream stays open and says nothing more. As an answer: there is none."""


class PlayedSession:
    """A session of which `streams` are the subscriptions in their order (the last one again and again), `states` likewise.

    A stream that has said all its lines ends, unless the last line is Silence.
    """

    def __init__(self, streams: Sequence[Sequence[Line]], states: Sequence[Line]) -> None:
        self.asked_after: list[int] = []
        self.states_asked = 0
        self._streams, self._states = streams, states

    async def observe(self, after: int) -> AsyncIterator[Observation]:
        number = len(self.asked_after)
        self.asked_after.append(after)
        for line in self._streams[min(number, len(self._streams) - 1)]:
            if isinstance(line, Silence):
                await asyncio.Event().wait()
            elif isinstance(line, BaseException):
                raise line
            else:
                yield line

    async def snapshot(self) -> Observation:
        self.states_asked += 1
        state = self._states[min(self.states_asked, len(self._states)) - 1]
        if isinstance(state, BaseException):
            raise state
        return state

    async def close(self) -> None:
        """Nothing is held."""


class PlayedRuntime:
    """The runtime of one such session."""

    def __init__(self, session: PlayedSession) -> None:
        self._session = session

    def attach(self, plan: SessionPlan, *, adapter_state: bytes | None) -> PlayedSession:
        return self._session


def owned(run: Run) -> OwnedRun:
    """The run as its owner holds it, under the epoch it has."""
    run = fresh(run)
    plan = SessionPlan(
        run_id=str(run.id),
        session_id=run.session_id or "",
        mode_name=MODE,
        mode_version="1.0.0",
        configuration_version="config.default",
        policy_version="",
        ttl_ms=60_000,
        initiator="lead",
        opener=run.session_opener,
        participants=(),
    )
    return OwnedRun(
        id=run.id,
        epoch=run.lease_epoch,
        status=RunStatus(run.status),
        kind=run.runtime_kind,
        request=cast(ExecutionRequest, None),  # a bound session is not launched again
        plan=plan,
        cursor=run.session.cursor,
        start_envelope=None,
        start_acked=True,
        adapter_state=None,
        recovery_attempts=0,
    )


async def observe(run: OwnedRun, session: PlayedSession) -> None:
    """The run's owner has done with it: the ending is written, or it has let go."""
    runtime = cast(Runtime, PlayedRuntime(session))  # it plays only what is asked of a bound session
    async with asyncio.timeout(PATIENCE_SECONDS):
        recovered: asyncio.Future[Recovered] = asyncio.get_running_loop().create_future()
        observer = RunObserver(run, runtime, launching=asyncio.Semaphore(1), questions=Questions(), recovered=recovered)
        await observer.run()


def away(message: str = "the stream is dropped") -> RuntimeFault:
    """What an adapter raises when the runtime cannot be reached."""
    return RuntimeUnavailable(message)
