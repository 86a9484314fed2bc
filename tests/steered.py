"""Runs that somebody wants something of: observers to carry it out, and a session that answers as a test wrote down."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import cast
from uuid import UUID

import orjson

from runs.audit import Actor
from runs.bridge import rows
from runs.domain.documents import RunRow
from runs.domain.endings import DecidedBy
from runs.domain.events import Ack, AckError, Draft, EventType, Observation, ObservationKind, SessionState
from runs.ending import Questions
from runs.models import Run
from runs.models.project import DEFAULT_PROJECT_ID
from runs.observer.owned import OwnedRun, load_owned
from runs.observer.session import RunObserver
from runs.observer.supervisor import Observer
from runs.operations.cancel import cancel_run
from runs.operations.resume import resume_run
from runs.operations.suspend import suspend_run
from runs.recorder import record
from runs.runtimes.port import Runtime, Sent
from tests.cast import MODE, PEOPLE, fresh, run_event
from tests.played import Line, PlayedRuntime, PlayedSession, Silence

PATIENCE_SECONDS = 20

Answer = Sent | BaseException


class SteeredSession(PlayedSession):
    """A played session whose answers to cancel, suspend and resume are written down too (the last one again and again)."""

    def __init__(
        self, streams: Sequence[Sequence[Line]], states: Sequence[Line], answers: Mapping[str, Sequence[Answer]]
    ) -> None:
        super().__init__(streams, states)
        self.asked: list[tuple[str, str]] = []
        self._answers = answers

    async def cancel(self, reason: str) -> Sent:
        return await self._answer("cancel", reason)

    async def suspend(self, reason: str) -> Sent:
        return await self._answer("suspend", reason)

    async def resume(self, reason: str) -> Sent:
        return await self._answer("resume", reason)

    def confirm(self, adapter_state: bytes | None) -> None:
        """Nothing follows."""

    async def _answer(self, verb: str, reason: str) -> Sent:
        earlier = sum(asked == verb for asked, _ in self.asked)
        self.asked.append((verb, reason))
        answers = self._answers[verb]
        answer = answers[min(earlier, len(answers) - 1)]
        if isinstance(answer, Silence):
            await asyncio.Event().wait()
        if isinstance(answer, BaseException):
            raise answer
        return answer


def agreed(state: SessionState) -> Sent:
    """The runtime did it, and the session is in this state."""
    ack = Ack(ok=True, message_id="", session_id="s", session_state=state)
    return Sent(ack=ack, observation=Observation(kind=ObservationKind.ACK, body=ack, raw=b"agreed"))


def denied(code: str = "FORBIDDEN", message: str = "only the initiator") -> Sent:
    """The runtime refused."""
    ack = Ack(ok=False, message_id="", session_id="s", error=AckError(code=code, message=message))
    return Sent(ack=ack, observation=Observation(kind=ObservationKind.ACK, body=ack, raw=b"denied"))


@contextlib.asynccontextmanager
async def an_observer() -> AsyncIterator[None]:
    """Inside, an observer of this process watches whatever it can get."""
    stop = asyncio.Event()
    observer = asyncio.create_task(Observer().run(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(observer, PATIENCE_SECONDS)


@contextlib.asynccontextmanager
async def owning(run: OwnedRun, session: PlayedSession) -> AsyncIterator[RunObserver]:
    """Inside, this run alone is watched by its owner."""
    owner = RunObserver(
        run,
        cast(Runtime, PlayedRuntime(session)),
        launching=asyncio.Semaphore(1),
        questions=Questions(),
        recovered=asyncio.get_running_loop().create_future(),
    )
    watching = asyncio.create_task(owner.run())
    try:
        yield owner
    finally:
        watching.cancel()
        await asyncio.wait({watching}, timeout=PATIENCE_SECONDS)


async def becomes(condition: Callable[[], bool]) -> None:
    """Returns once `condition` holds of the rows."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await rows(condition):
            await asyncio.sleep(0.02)  # rows are asked again: another task writes them


async def has_status(run_id: UUID, status: str) -> None:
    """Returns once the run is there."""
    await becomes(lambda: Run.objects.filter(id=run_id, status=status).exists())


def asked_by_api(run_id: UUID, **changes: object) -> dict[str, object]:
    """The arguments of an operation that a program calls for."""
    asked: dict[str, object] = {
        "project_id": DEFAULT_PROJECT_ID,
        "run_id": run_id,
        "reason": None,
        "actor": Actor(name="tester"),
        "through": DecidedBy.API,
        "request_id": None,
    }
    return asked | changes


def cancel(run_id: UUID, **changes: object) -> RunRow:
    return cancel_run(**asked_by_api(run_id, **changes))  # type: ignore[arg-type]


def suspend(run_id: UUID, **changes: object) -> RunRow:
    return suspend_run(**asked_by_api(run_id, **changes))  # type: ignore[arg-type]


def resume(run_id: UUID, **changes: object) -> RunRow:
    return resume_run(**asked_by_api(run_id, **changes))  # type: ignore[arg-type]


def bind(run_id: UUID) -> OwnedRun:
    """The launched run is running, as if its session had been opened; as its next owner finds it."""
    run = fresh(Run.objects.get(id=run_id))
    session = {"sessionId": run.session_id, "participants": list(PEOPLE), "initiator": "lead", "modeName": MODE}
    record(
        run.id,
        [
            run_event(run.id, EventType.RUN_STARTED, "starting"),
            Draft(type=EventType.SESSION_BOUND, data={**session, "runStatus": "binding_session"}),
            Draft(type=EventType.SESSION_STATE_CHANGED, data={**session, "runStatus": "running"}),
        ],
        epoch=None,
    )
    return load_owned(run_id, run.lease_epoch)


def certificate(run_id: UUID) -> dict[str, object]:
    """The ending's certificate; empty before it."""
    ending: dict[str, object] = orjson.loads(Run.objects.get(id=run_id).ending or "{}")
    return ending


def evidence(run_id: UUID) -> dict[str, object]:
    return cast("dict[str, object]", certificate(run_id)["evidence"])


def answer_in(run_id: UUID) -> dict[str, object]:
    """The owner's last answer; empty before any."""
    answer: dict[str, object] = orjson.loads(Run.objects.get(id=run_id).wanted_answer or "{}")
    return answer


async def beside(operation: Callable[..., RunRow], run_id: UUID, **changes: object) -> RunRow:
    """What an operation answers that waits on a thread of its own, as a request does."""
    call: Awaitable[RunRow] = rows(lambda: operation(run_id, **changes))
    return await asyncio.wait_for(call, PATIENCE_SECONDS)
