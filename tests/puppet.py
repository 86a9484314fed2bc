"""A runtime whose every answer a test writes down, found by its dotted path like any other: a sweep opens runtimes itself."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Self, TypeVar

import pytest
from pytest_django.fixtures import Settings

from runs.domain.events import Ack, AckError, Observation, ObservationKind, SessionState
from runs.errors import FieldFault
from runs.runtimes.port import Capabilities, Outgoing, RuntimeInfo, Sent, SessionPlan
from tests.cast import envelope, session_now
from tests.played import OPENED, Line, Silence

T = TypeVar("T")

KIND = "puppet"
OPEN_ALWAYS: tuple[Line, ...] = (session_now(SessionState.OPEN, count=0),)
START = envelope("start", kind="SessionStart", sender="lead")


def answered(*, ok: bool = True, code: str = "FORBIDDEN", message: str = "not yours", duplicate: bool = False) -> Sent:
    """The answer to a start, a send or a cancel."""
    error = None if ok else AckError(code=code, message=message)
    ack = Ack(ok=ok, message_id="", session_id="s", error=error, duplicate=duplicate)
    return Sent(ack=ack, observation=Observation(kind=ObservationKind.ACK, body=ack, raw=b"ack"))


ACCEPTED = answered()
REFUSED = answered(ok=False)


class Puppet:
    """One session. Each list answers in its order, its last member again and again; Silence is no answer at all.

    `streams` are what its subscriptions deliver; one that does not end with Silence ends.
    """

    def __init__(
        self,
        *,
        states: Sequence[Line] = OPEN_ALWAYS,
        streams: Sequence[Sequence[Line]] = ((OPENED, START, Silence()),),
        starts: Sequence[Sent | BaseException] = (ACCEPTED,),
        cancels: Sequence[Sent | BaseException] = (ACCEPTED,),
    ) -> None:
        self.asked = 0
        self.started: list[bytes] = []
        self.cancelled = 0
        self.subscribed: list[int] = []
        self.handles = 0  # that are not closed
        self._states, self._streams, self._starts, self._cancels = states, streams, starts, cancels

    def plays(self, *streams: Sequence[Line]) -> None:
        """From now on its subscriptions deliver these."""
        self._streams = streams

    async def start(self, start: bytes) -> Sent:
        self.started.append(start)
        return await self._answer(self._starts, len(self.started))

    async def observe(self, after: int) -> AsyncIterator[Observation]:
        self.subscribed.append(after)
        for line in self._streams[min(len(self.subscribed), len(self._streams)) - 1]:
            yield await self._answer([line], 1)

    async def appears(self, timeout: float) -> None:
        await asyncio.sleep(0)

    def may_repeat(self, message: bytes) -> bool:
        return True

    async def send(self, message: bytes) -> Sent:
        return ACCEPTED

    def confirm(self, adapter_state: bytes | None) -> None:
        """Nothing is held back."""

    async def snapshot(self) -> Observation:
        self.asked += 1
        return await self._answer(self._states, self.asked)

    async def cancel(self, reason: str) -> Sent:
        self.cancelled += 1
        return await self._answer(self._cancels, self.cancelled)

    async def suspend(self, reason: str) -> Sent:
        return ACCEPTED

    async def resume(self, reason: str) -> Sent:
        return ACCEPTED

    async def close(self) -> None:
        self.handles -= 1

    async def _answer(self, answers: Sequence[T | BaseException], number: int) -> T:
        answer = answers[min(number, len(answers)) - 1]
        if isinstance(answer, Silence):
            await asyncio.Event().wait()
        if isinstance(answer, BaseException):
            raise answer
        return answer


class Stage:
    """The sessions of this test, by their ids; one that nobody wrote is an ordinary open one."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Nothing is written, nothing was asked."""
        self.sessions: dict[str, Puppet] = {}
        self.modes: tuple[str, ...] = ()
        self.initialized = 0
        self.encoded = 0

    def session(self, session_id: str) -> Puppet:
        return self.sessions.setdefault(session_id, Puppet())


STAGE = Stage()


class PuppetRuntime:
    """The adapter of the stage."""

    source_name = "puppet-runtime"

    @classmethod
    def configured(cls) -> Self:
        return cls()

    @staticmethod
    def option_faults(options: Mapping[str, object], scenario: str) -> Sequence[FieldFault]:
        return []

    async def initialize(self) -> RuntimeInfo:
        STAGE.initialized += 1
        return RuntimeInfo(
            name=KIND, version="1", protocol_version="1.0", supported_modes=STAGE.modes, capabilities=Capabilities()
        )

    def encode_start(self, plan: SessionPlan) -> bytes:
        # Other bytes at every call: whoever sends a SessionStart again must send the stored ones.
        STAGE.encoded += 1
        return f"start of {plan.session_id}, encoded for the {STAGE.encoded}. time".encode()

    def encode_message(self, plan: SessionPlan, message: Outgoing) -> bytes:
        return message.message_id.encode()

    def attach(self, plan: SessionPlan, *, adapter_state: bytes | None) -> Puppet:
        puppet = STAGE.session(plan.session_id)
        puppet.handles += 1
        return puppet

    def may_send_as(self, plan: SessionPlan, participant: str) -> bool:
        return True

    async def policy_known(self, policy_version: str) -> bool:
        return True

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def stage(settings: Settings) -> Iterator[Stage]:
    """The stage, empty; runs of the kind `puppet` are played on it."""
    settings.RUNTIME_ADAPTERS = {**settings.RUNTIME_ADAPTERS, KIND: "tests.puppet.PuppetRuntime"}
    STAGE.clear()
    yield STAGE
    STAGE.clear()
