"""The MACP runtime behind the port: gRPC outside, our own values inside."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Self

from runs.domain.events import Observation
from runs.errors import FieldFault
from runs.runtimes.macp import wire
from runs.runtimes.macp.channels import Channels
from runs.runtimes.macp.codec import info_of, read_lifecycle
from runs.runtimes.macp.credentials import Credentials
from runs.runtimes.macp.faults import readable
from runs.runtimes.macp.offer import MacpOffer
from runs.runtimes.macp.outgoing import PROTOCOL_VERSION, message_bytes, start_bytes
from runs.runtimes.macp.session import OPENED, MacpSession
from runs.runtimes.macp.settings import MacpSettings
from runs.runtimes.macp.watches import Watches
from runs.runtimes.port import Outgoing, RuntimeInfo, SessionPlan
from runs.version import VERSION


class MacpRuntime:
    """One MACP runtime. It belongs to the event loop that makes its first call; building it makes none."""

    source_name = "rust-runtime"

    def __init__(self, settings: MacpSettings) -> None:
        self._settings = settings
        self._channels = Channels(settings)
        self._credentials = Credentials(settings)
        self._watches = Watches(settings, self._channels, self._credentials)
        self.offer = MacpOffer(self._channels, self._credentials)

    @classmethod
    def configured(cls) -> Self:
        """The runtime the settings name."""
        return cls(MacpSettings.configured())

    async def initialize(self) -> RuntimeInfo:
        """The protocol version is agreed on, and what the runtime offers is known."""
        request = wire.InitializeRequest(
            supported_protocol_versions=[PROTOCOL_VERSION],
            client_info=wire.ClientInfo(name="signalbox", version=VERSION),
        )
        answer = await self._channels.call("Initialize", request.SerializeToString(), self._credentials.own())
        with readable("Initialize"):
            return info_of(wire.InitializeResponse.FromString(answer))

    @staticmethod
    def option_faults(options: Mapping[str, object], scenario: str) -> Sequence[FieldFault]:
        """Every option is a fault: a MACP session has none beyond those of the request."""
        return [FieldFault(path=name, message="unknown option") for name in options]

    def encode_start(self, plan: SessionPlan) -> bytes:
        """The exact bytes of the plan's SessionStart."""
        return start_bytes(plan)

    def encode_message(self, plan: SessionPlan, message: Outgoing) -> bytes:
        """The exact bytes of one message. Raises RuntimeRejected (INVALID_PAYLOAD) if its payload does not fit."""
        return message_bytes(plan, message)

    def may_send_as(self, plan: SessionPlan, participant: str) -> bool:
        """True if we hold the participant's credential; whether it belongs to the session, the runtime decides."""
        return self._credentials.may_send_as(participant)

    def attach(self, plan: SessionPlan, *, adapter_state: bytes | None) -> MacpSession:
        """A handle on the session of `plan`; the adapter keeps no state of its own."""
        return MacpSession(
            plan,
            settings=self._settings,
            channels=self._channels,
            credentials=self._credentials,
            watches=self._watches,
        )

    async def policy_known(self, policy_version: str) -> bool:
        """True if a session may name this policy. Empty always may."""
        return not policy_version or await self.offer.policy(policy_version) is not None

    async def sessions(self) -> AsyncIterator[Observation]:
        """That the watch stands, then what it says of sessions; a frame that cannot be read is left out."""
        request = wire.WatchSessionsRequest().SerializeToString()
        async with self._channels.server_stream("WatchSessions", request, self._credentials.own()) as frames:
            yield OPENED
            async for frame in frames:
                if (read := read_lifecycle(frame)) is not None:
                    yield read[1]

    async def close(self) -> None:
        """The watches have ended and every channel is closed."""
        await self._watches.close()
        await self._channels.close()
