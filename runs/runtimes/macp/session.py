"""One session of a MACP runtime, as the owner of its run holds it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress

from runs.domain.events import Observation, ObservationKind, StreamStatus
from runs.errors import RuntimeRejected, SessionNotFound
from runs.runtimes.macp import wire
from runs.runtimes.macp.channels import Channels
from runs.runtimes.macp.codec import ack_observation, ack_of, read_snapshot, refused_ack
from runs.runtimes.macp.credentials import Credentials, Metadata
from runs.runtimes.macp.faults import readable
from runs.runtimes.macp.mailbox import Mailbox
from runs.runtimes.macp.merge import Merge
from runs.runtimes.macp.settings import MacpSettings
from runs.runtimes.macp.subscription import Subscriber
from runs.runtimes.macp.watches import Watches
from runs.runtimes.port import Sent, SessionPlan

# Types that never enter a session's history, even when they name the session.
TOLD_ASIDE = frozenset({"Signal", "Progress"})
OPENED = Observation(kind=ObservationKind.STREAM_STATUS, body=StreamStatus(status="opened"))


class MacpSession:
    """The `Session` of the port. Holds nothing that must survive: all it knows is in the plan and at the runtime."""

    def __init__(
        self,
        plan: SessionPlan,
        *,
        settings: MacpSettings,
        channels: Channels,
        credentials: Credentials,
        watches: Watches,
    ) -> None:
        self._plan = plan
        self._settings = settings
        self._channels = channels
        self._credentials = credentials
        self._watches = watches
        self._acks: Counter[str] = Counter()
        self._open: set[Mailbox] = set()
        self._until_closed = ExitStack()
        self._doorbell: Mailbox | None = None

    async def start(self, start: bytes) -> Sent:
        """The runtime has answered the stored SessionStart; a refusal is an ack with ok=False."""
        return await self.send(start)

    async def send(self, message: bytes) -> Sent:
        """The runtime has answered the stored message, sent with its sender's own credential."""
        envelope = wire.Envelope.FromString(message)
        metadata = self._traced(self._credentials.sender(envelope.sender))
        request = wire.SendRequest(envelope=envelope).SerializeToString(deterministic=True)
        try:
            answer = await self._channels.call("Send", request, metadata)
        except RuntimeRejected as refused:
            ack = refused_ack(refused, envelope.session_id, envelope.message_id)
            return self._sent(ack, ack.SerializeToString(), envelope.message_id)
        with readable("Send"):
            ack = wire.SendResponse.FromString(answer).ack
        return self._sent(ack, answer, envelope.message_id)

    async def observe(self, after: int) -> AsyncIterator[Observation]:
        """Observations after `after` session envelopes, then live ones.

        The first says that the subscription stands, the second what the session is: the watches tell only changes, and
        the last one may have come before anybody listened. What they tell has no order with the envelopes.
        """
        mailbox = Mailbox()
        with self._watches.delivering(self._plan.session_id, mailbox):
            subscription = await self._subscriber().subscribe(after)
            pump = asyncio.create_task(subscription.pump(mailbox))
            self._open.add(mailbox)
            try:
                # Not before the subscription: what is said meanwhile might be compacted away. A session that was known
                # before, whose runtime has just come back, perhaps, waits for nothing.
                if after == 0:
                    await self._watches.stand()
                yield OPENED
                yield await self.snapshot()
                merge = Merge(mailbox, probed=subscription.probed)
                while batch := await merge.next():
                    for observation in batch:
                        yield observation
            finally:
                self._open.discard(mailbox)
                subscription.close()
                mailbox.discard()
                await asyncio.wait({pump})
        if mailbox.fault is not None:
            raise mailbox.fault

    async def appears(self, timeout: float) -> None:
        """The watch of sessions has told of this one, or `timeout` seconds have passed."""
        if self._doorbell is None:
            self._doorbell = self._until_closed.enter_context(
                self._watches.delivering(self._plan.session_id, Mailbox())
            )
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._doorbell.take()

    def may_repeat(self, message: bytes) -> bool:
        """True for what is bound to the session: what a runtime tells on its watches it does not know again."""
        envelope = wire.Envelope.FromString(message)
        return bool(envelope.session_id) and envelope.message_type not in TOLD_ASIDE

    def confirm(self, adapter_state: bytes | None) -> None:
        """Nothing follows: the runtime keeps this session's state."""

    async def snapshot(self) -> Observation:
        """What the runtime says the session is."""
        request = wire.GetSessionRequest(session_id=self._plan.session_id)
        answer = await self._channels.call("GetSession", request.SerializeToString(), self._reader())
        with readable("GetSession"):
            return read_snapshot(answer)

    async def cancel(self, reason: str) -> Sent:
        """The runtime has answered the cancelling; an ended session is ok=True."""
        request = wire.CancelSessionRequest(session_id=self._plan.session_id, reason=reason)
        return await self._steer("CancelSession", request, wire.CancelSessionResponse)

    async def suspend(self, reason: str) -> Sent:
        """The runtime has answered the suspending."""
        request = wire.SuspendSessionRequest(session_id=self._plan.session_id, reason=reason)
        return await self._steer("SuspendSession", request, wire.SuspendSessionResponse)

    async def resume(self, reason: str) -> Sent:
        """The runtime has answered the resuming."""
        request = wire.ResumeSessionRequest(session_id=self._plan.session_id, reason=reason)
        return await self._steer("ResumeSession", request, wire.ResumeSessionResponse)

    async def close(self) -> None:
        """Every `observe` of this handle ends; the session itself goes on."""
        self._until_closed.close()
        for mailbox in self._open:
            mailbox.end()

    async def _steer(self, rpc: str, request: wire.Message, response: type[wire.Steered]) -> Sent:
        metadata = self._traced(self._credentials.steward(self._plan))
        try:
            answer = await self._channels.call(rpc, request.SerializeToString(), metadata)
        except SessionNotFound:
            raise
        except RuntimeRejected as refused:
            ack = refused_ack(refused, self._plan.session_id, "")
            return self._sent(ack, ack.SerializeToString(), "")
        with readable(rpc):
            ack = response.FromString(answer).ack
        return self._sent(ack, answer, "")

    def _sent(self, message: wire.Ack, raw: bytes, message_id: str) -> Sent:
        if not message.message_id:
            message.message_id = message_id  # an answer to our call is one to our message, whether it names it or not
        self._acks[message_id] += 1
        ack = ack_of(message, self._acks[message_id])
        return Sent(ack=ack, observation=ack_observation(ack, raw))

    def _subscriber(self) -> Subscriber:
        return Subscriber(self._channels, self._plan.session_id, self._reader(), self._settings.request_timeout)

    def _reader(self) -> Metadata:
        return self._traced(self._credentials.observer(self._plan))

    def _traced(self, metadata: Metadata) -> Metadata:
        """With the trace of whoever launched the run, so that what the runtime does for it belongs to that trace."""
        trace = self._plan.traceparent
        return (*metadata, ("traceparent", trace)) if trace else metadata
