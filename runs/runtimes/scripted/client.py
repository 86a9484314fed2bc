"""The scripted runtime as an adapter: it needs no network, no agents and no configuration."""

from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec

from runs.domain.events import Observation
from runs.errors import FieldFault, RuntimeRejected, RuntimeUnsupported
from runs.runtimes.port import Capabilities, Outgoing, RuntimeInfo, SessionPlan
from runs.runtimes.scripted import options as scripted_options
from runs.runtimes.scripted.offer import ScriptedOffer
from runs.runtimes.scripted.scenarios import OF_MODE
from runs.runtimes.scripted.session import ScriptedSession, StartBytes
from runs.runtimes.scripted.tape import session_start, start_id

VERSION = "0.1.0"
_SORTED = msgspec.json.Encoder(order="sorted")


class ScriptedRuntime:
    """Plays the scenario a plan names. Holds nothing between calls, so every process is as good as any other."""

    source_name = "scripted-runtime"
    offer = ScriptedOffer()

    @classmethod
    def configured(cls) -> "ScriptedRuntime":
        """The runtime as the settings want it; there is nothing to set."""
        return cls()

    async def initialize(self) -> RuntimeInfo:
        """Always succeeds: all standard modes, cancellation and progress."""
        return RuntimeInfo(
            name="scripted",
            version=VERSION,
            protocol_version="1.0",
            supported_modes=tuple(OF_MODE),
            capabilities=Capabilities(
                sessions=True,
                cancellation=True,
                progress=True,
                manifest=True,
                mode_registry=True,
                roots=True,
                watch_sessions=False,
                policy_registry=False,
            ),
        )

    @staticmethod
    def option_faults(options: Mapping[str, object], scenario: str) -> Sequence[FieldFault]:
        """Every option that is unknown to the chosen scenario or out of its bounds."""
        return scripted_options.option_faults(options, scenario)

    def encode_start(self, plan: SessionPlan) -> bytes:
        """The SessionStart of `plan` as JSON."""
        start = session_start(plan)
        assert isinstance(start.content, dict)
        return _SORTED.encode(
            StartBytes(
                message_id=start_id(plan), session_id=plan.session_id, sender=start.sender, payload=start.content
            )
        )

    def encode_message(self, plan: SessionPlan, message: Outgoing) -> bytes:
        """All of `message` as JSON, a signal tied to its session; RuntimeRejected if its payload cannot be JSON."""
        if message.message_type == "Signal" and message.payload is not None:
            payload = {"correlationSessionId": plan.session_id, **message.payload}
            message = msgspec.structs.replace(message, payload=payload)
        try:
            return _SORTED.encode(message)
        except (TypeError, ValueError) as cause:
            raise RuntimeRejected(f"the payload is not JSON: {cause}", runtime_code="INVALID_ENVELOPE") from cause

    def may_send_as(self, plan: SessionPlan, participant: str) -> bool:
        """True for the initiator and the participants: a scripted session knows no credentials."""
        return participant in plan.members

    def attach(self, plan: SessionPlan, *, adapter_state: bytes | None) -> ScriptedSession:
        """A handle that carries the session on from its committed state."""
        return ScriptedSession(plan, adapter_state=adapter_state)

    async def policy_known(self, policy_version: str) -> bool:
        """True for no policy and for every name that begins with `policy.`."""
        return not policy_version or policy_version.startswith("policy.")

    async def sessions(self) -> AsyncIterator[Observation]:
        """Never: raises RuntimeUnsupported. A scripted session lives in the run that plays it."""
        raise RuntimeUnsupported("scripted sessions cannot be watched")
        yield  # an iterator, as the port has it

    async def close(self) -> None:
        """Nothing is open."""
