"""What a runtime offers beside its sessions: a manifest, its modes and roots, and the policies it knows.

The second half of the port (runs/runtimes/port.py), with the same faults. Nothing here belongs to a run: any process may
ask, and registering a policy is the one thing that changes a runtime without being fenced.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from runs.domain.events import JsonObject

# The runtime's own word for a policy that is no policy, whichever way it put it.
ILL_DEFINED = "INVALID_POLICY_DEFINITION"


class Root(msgspec.Struct, frozen=True, kw_only=True):
    """A resource root, of a runtime or of a session."""

    uri: str
    name: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """How a runtime introduces itself."""

    agent_id: str
    title: str = ""
    description: str = ""
    supported_modes: tuple[str, ...] = ()
    metadata: Mapping[str, str] = {}


class Mode(msgspec.Struct, frozen=True, kw_only=True):
    """One mode and what is said in it."""

    name: str
    version: str
    title: str = ""
    description: str = ""
    determinism_class: str = ""
    participant_model: str = ""
    message_types: tuple[str, ...] = ()
    terminal_message_types: tuple[str, ...] = ()
    schema_uris: Mapping[str, str] = {}


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """One policy; `mode` is `*` or the one mode it is for. Its id is never given to another."""

    id: str
    mode: str
    description: str = ""
    rules: JsonObject = {}
    schema_version: int = 1
    registered_at_unix_ms: int = 0


class Offer(Protocol):
    """What one runtime offers. A capability that it lacks is RuntimeUnsupported."""

    async def manifest(self) -> Manifest:
        """How the runtime introduces itself."""

    async def modes(self) -> tuple[Mode, ...]:
        """Every mode, those of extensions too."""

    async def roots(self) -> tuple[Root, ...]:
        """Every resource root."""

    async def policies(self, mode: str) -> tuple[Policy, ...]:
        """The policies that may be named in `mode`; every one for an empty mode."""

    async def policy(self, policy_id: str) -> Policy | None:
        """The policy of this id; None where the runtime does not know it."""

    async def register_policy(self, policy: Policy) -> None:
        """Sessions may name the policy. RuntimeRejected where it is refused, `runtime_code` ILL_DEFINED if for what it is."""

    async def unregister_policy(self, policy_id: str) -> bool:
        """No new session may name the policy; False where the runtime did not know it."""
