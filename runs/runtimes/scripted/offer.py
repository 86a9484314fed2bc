"""What the scripted runtime offers: the modes it has scenarios for. It keeps no policies, having nowhere to keep them."""

from runs.errors import RuntimeUnsupported
from runs.runtimes.offer import Manifest, Mode, Policy, Root
from runs.runtimes.scripted.scenarios import OF_MODE

AGENT_ID = "signalbox-scripted-runtime"
MODE_VERSION = "1.0.0"
NO_POLICIES = "the scripted runtime keeps no policies"


class ScriptedOffer:
    """The `Offer` of the port."""

    async def manifest(self) -> Manifest:
        """The scripted runtime introduces itself."""
        return Manifest(
            agent_id=AGENT_ID,
            title="Scripted runtime",
            description="Plays written scenarios, without network and agents",
            supported_modes=tuple(OF_MODE),
        )

    async def modes(self) -> tuple[Mode, ...]:
        """Every mode it plays; what is said in one is the scenario's choice."""
        return tuple(Mode(name=name, version=MODE_VERSION) for name in OF_MODE)

    async def roots(self) -> tuple[Root, ...]:
        """None: it reads nothing."""
        return ()

    async def policies(self, mode: str) -> tuple[Policy, ...]:
        """Never: raises RuntimeUnsupported."""
        raise RuntimeUnsupported(NO_POLICIES)

    async def policy(self, policy_id: str) -> Policy | None:
        """Never: raises RuntimeUnsupported."""
        raise RuntimeUnsupported(NO_POLICIES)

    async def register_policy(self, policy: Policy) -> None:
        """Never: raises RuntimeUnsupported."""
        raise RuntimeUnsupported(NO_POLICIES)

    async def unregister_policy(self, policy_id: str) -> bool:
        """Never: raises RuntimeUnsupported."""
        raise RuntimeUnsupported(NO_POLICIES)
