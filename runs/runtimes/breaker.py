"""A circuit breaker around any runtime, so that one that is away is not called over and over.

    CLOSED --- threshold transport failures in a row ---> OPEN --- reset time over: one probe ---> HALF_OPEN
    HALF_OPEN --- the probe was answered ---> CLOSED      HALF_OPEN --- the probe failed ---> OPEN

A refusal is an answer: only RuntimeUnavailable and RuntimeTimedOut count. Opening a stream counts like a call; its
later breaking does not, or one restart of a runtime would count once per live run.
"""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal, TypeVar

from runs.crashpoint import calling
from runs.domain.events import Observation
from runs.errors import BreakerOpen, FieldFault, RuntimeFault, RuntimeTimedOut, RuntimeUnavailable
from runs.metrics import BREAKER_FAILURES, BREAKER_SUCCESSES, BREAKERS, RUNTIME_STREAMS
from runs.runtimes.port import Outgoing, Runtime, RuntimeInfo, Sent, Session, SessionPlan

T = TypeVar("T")
BreakerState = Literal["CLOSED", "OPEN", "HALF_OPEN"]
LEVELS: Mapping[BreakerState, float] = {"CLOSED": 0.0, "HALF_OPEN": 1.0, "OPEN": 2.0}
OnChange = Callable[[BreakerState, str], None]


class Breaker:
    """Counts consecutive transport failures of one runtime in one event loop.

    `state` is readable at any time; `on_change` is told each new state and why. `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        *,
        threshold: int,
        reset_ms: int,
        clock: Callable[[], float] = time.monotonic,
        on_change: OnChange | None = None,
    ) -> None:
        self.failures_total = 0
        self.successes_total = 0
        self._threshold = threshold
        self._reset = reset_ms / 1000
        self._clock = clock
        self._on_change = on_change
        self._state: BreakerState = "CLOSED"
        self._in_a_row = 0
        self._since = 0.0  # when it opened, or the present probe began
        self._probe = 0  # number of the latest probe; ordinary calls are 0
        BREAKERS.put(self, LEVELS[self._state])

    @property
    def state(self) -> BreakerState:
        """CLOSED lets calls through, OPEN none, HALF_OPEN waits for the answer of its one probe."""
        return self._state

    async def call(self, attempt: Callable[[], Awaitable[T]], *, name: str = "runtime.call") -> T:
        """The result of one guarded call; BreakerOpen if it is not admitted. `name` is that of its crash points."""
        with self.attempt(), calling(name):
            return await attempt()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Admits the block or raises BreakerOpen, and learns from how the block ends."""
        probe = self._admit()
        try:
            yield
        except (RuntimeUnavailable, RuntimeTimedOut) as fault:
            self._failed(probe, fault)
            raise
        except RuntimeFault:
            self._answered(probe)
            raise
        except BaseException:
            self._abandoned(probe)
            raise
        self._answered(probe)

    def reset(self, reason: str = "reset by hand") -> None:
        """The breaker is closed and has forgotten every failure."""
        self._in_a_row = 0
        if self._state != "CLOSED":
            self._move("CLOSED", reason)

    def _admit(self) -> int:
        if self._state == "CLOSED":
            return 0
        waited = self._clock() - self._since
        # A probe that gave no answer for the whole reset time gives its place to the next: a silent stream may never.
        if waited < self._reset:
            raise BreakerOpen(details={"retryAfterMs": round((self._reset - waited) * 1000)})
        self._probe += 1
        self._since = self._clock()
        if self._state == "OPEN":
            self._move("HALF_OPEN", "reset time over")
        return self._probe

    def _answered(self, probe: int) -> None:
        self.successes_total += 1
        BREAKER_SUCCESSES.add()
        if self._state == "CLOSED" or self._is_current(probe):
            self.reset("the probe was answered")

    def _failed(self, probe: int, fault: RuntimeFault) -> None:
        self.failures_total += 1
        BREAKER_FAILURES.add()
        if self._state == "CLOSED":
            self._in_a_row += 1
        if self._is_current(probe) or (self._state == "CLOSED" and self._in_a_row >= self._threshold):
            self._since = self._clock()
            self._move("OPEN", fault.message)

    def _abandoned(self, probe: int) -> None:
        """A cancelled call says nothing about the runtime; if it was the probe, the next call is one."""
        if self._is_current(probe):
            self._since -= self._reset
            self._move("OPEN", "the probe was given up")

    def _is_current(self, probe: int) -> bool:
        return self._state == "HALF_OPEN" and probe == self._probe

    def _move(self, state: BreakerState, reason: str) -> None:
        self._state = state
        BREAKERS.put(self, LEVELS[state])
        if self._on_change is not None:
            self._on_change(state, reason)


class GuardedRuntime:
    """A runtime behind its breaker.

    `adapter` is the runtime itself, for health checks: they neither feed the breaker nor are refused by it. What an
    adapter offers beyond the port is called through `breaker.call`.
    """

    def __init__(self, adapter: Runtime, breaker: Breaker) -> None:
        self.adapter = adapter
        self.breaker = breaker
        self.source_name = adapter.source_name

    async def initialize(self) -> RuntimeInfo:
        """As the adapter, guarded."""
        return await self.breaker.call(self.adapter.initialize, name="runtime.initialize")

    def option_faults(self, options: Mapping[str, object], scenario: str) -> Sequence[FieldFault]:
        """As the adapter."""
        return self.adapter.option_faults(options, scenario)

    def encode_start(self, plan: SessionPlan) -> bytes:
        """As the adapter."""
        return self.adapter.encode_start(plan)

    def encode_message(self, plan: SessionPlan, message: Outgoing) -> bytes:
        """As the adapter."""
        return self.adapter.encode_message(plan, message)

    def may_send_as(self, plan: SessionPlan, participant: str) -> bool:
        """As the adapter."""
        return self.adapter.may_send_as(plan, participant)

    def attach(self, plan: SessionPlan, *, adapter_state: bytes | None) -> "GuardedSession":
        """As the adapter; every call of the session is guarded."""
        return GuardedSession(self.adapter.attach(plan, adapter_state=adapter_state), self.breaker)

    async def policy_known(self, policy_version: str) -> bool:
        """As the adapter, guarded."""
        return await self.breaker.call(lambda: self.adapter.policy_known(policy_version), name="runtime.policy")

    async def close(self) -> None:
        """As the adapter."""
        await self.adapter.close()


class GuardedSession:
    """A session whose runtime is behind a breaker."""

    def __init__(self, session: Session, breaker: Breaker) -> None:
        self._session = session
        self._breaker = breaker

    async def start(self, start: bytes) -> Sent:
        """As the adapter, guarded."""
        return await self._breaker.call(lambda: self._session.start(start), name="session.start")

    def observe(self, after: int) -> AsyncIterator[Observation]:
        """As the adapter; only the way to the first observation is guarded."""
        return self._follow(self._session.observe(after))

    async def appears(self, timeout: float) -> None:
        """As the session's own: waiting for a hint is no call that could fail."""
        await self._session.appears(timeout)

    async def send(self, message: bytes) -> Sent:
        """As the adapter, guarded."""
        return await self._breaker.call(lambda: self._session.send(message), name="session.send")

    def may_repeat(self, message: bytes) -> bool:
        """As the adapter."""
        return self._session.may_repeat(message)

    def confirm(self, adapter_state: bytes | None) -> None:
        """As the adapter."""
        self._session.confirm(adapter_state)

    async def snapshot(self) -> Observation:
        """As the adapter, guarded."""
        return await self._breaker.call(self._session.snapshot, name="session.snapshot")

    async def cancel(self, reason: str) -> Sent:
        """As the adapter, guarded."""
        return await self._breaker.call(lambda: self._session.cancel(reason), name="session.cancel")

    async def suspend(self, reason: str) -> Sent:
        """As the adapter, guarded."""
        return await self._breaker.call(lambda: self._session.suspend(reason), name="session.suspend")

    async def resume(self, reason: str) -> Sent:
        """As the adapter, guarded."""
        return await self._breaker.call(lambda: self._session.resume(reason), name="session.resume")

    async def close(self) -> None:
        """As the adapter."""
        await self._session.close()

    async def _follow(self, stream: AsyncIterator[Observation]) -> AsyncIterator[Observation]:
        try:
            with self._breaker.attempt(), calling("session.observe"):
                first = await anext(stream, None)
            if first is None:
                return
            with RUNTIME_STREAMS.one_more():
                yield first
                async for observation in stream:
                    yield observation
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()
