"""A runtime behind its breaker: every call is guarded, and so is the way to the first word of a session's stream."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence

from runs.crashpoint import calling
from runs.domain.events import Observation
from runs.errors import FieldFault
from runs.metrics import RUNTIME_STREAMS
from runs.runtimes.breaker import Breaker
from runs.runtimes.offer import Manifest, Mode, Offer, Policy, Root
from runs.runtimes.port import Outgoing, Runtime, RuntimeInfo, Sent, Session, SessionPlan


class GuardedRuntime:
    """A runtime behind its breaker.

    `adapter` is the runtime itself, for health checks: they neither feed the breaker nor are refused by it. What an
    adapter offers beyond the port is called through `breaker.call`.
    """

    def __init__(self, adapter: Runtime, breaker: Breaker) -> None:
        self.adapter = adapter
        self.breaker = breaker
        self.source_name = adapter.source_name

    @property
    def offer(self) -> "GuardedOffer":
        """As the adapter; every call is guarded."""
        return GuardedOffer(self.adapter.offer, self.breaker)

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

    def sessions(self) -> AsyncIterator[Observation]:
        """As the adapter, past the breaker: a watch begins again by itself, and would count a restart twice."""
        return self.adapter.sessions()

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


class GuardedOffer:
    """What a runtime offers that is behind a breaker."""

    def __init__(self, offer: Offer, breaker: Breaker) -> None:
        self._offer = offer
        self._breaker = breaker

    async def manifest(self) -> Manifest:
        """As the adapter, guarded."""
        return await self._breaker.call(self._offer.manifest)

    async def modes(self) -> tuple[Mode, ...]:
        """As the adapter, guarded."""
        return await self._breaker.call(self._offer.modes)

    async def roots(self) -> tuple[Root, ...]:
        """As the adapter, guarded."""
        return await self._breaker.call(self._offer.roots)

    async def policies(self, mode: str) -> tuple[Policy, ...]:
        """As the adapter, guarded."""
        return await self._breaker.call(lambda: self._offer.policies(mode))

    async def policy(self, policy_id: str) -> Policy | None:
        """As the adapter, guarded."""
        return await self._breaker.call(lambda: self._offer.policy(policy_id))

    async def register_policy(self, policy: Policy) -> None:
        """As the adapter, guarded."""
        await self._breaker.call(lambda: self._offer.register_policy(policy))

    async def unregister_policy(self, policy_id: str) -> bool:
        """As the adapter, guarded."""
        return await self._breaker.call(lambda: self._offer.unregister_policy(policy_id))
