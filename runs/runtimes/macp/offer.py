"""What a MACP runtime offers beside its sessions: manifest, modes, roots, and its registry of policies."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from runs.domain.events import JsonObject
from runs.errors import RuntimeRejected, RuntimeUnsupported, SessionNotFound
from runs.runtimes.macp import wire
from runs.runtimes.macp.channels import Channels
from runs.runtimes.macp.credentials import Credentials
from runs.runtimes.macp.faults import own_code, readable
from runs.runtimes.offer import ILL_DEFINED, Manifest, Mode, Policy, Root

REFUSED = "FAILED_PRECONDITION"  # of a refusal that names no code of its own
UNKNOWN_POLICY = "UNKNOWN_POLICY_VERSION"

# The registry refuses in words: "policy 'p' not found", "invalid policy definition: ...".
_NOT_FOUND = re.compile(r"not found|unknown policy", re.IGNORECASE)
_ILL_DEFINED = re.compile(r"invalid.policy.definition", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MacpOffer:
    """The `Offer` of the port, asked under our own identity."""

    channels: Channels
    credentials: Credentials

    async def manifest(self) -> Manifest:
        """How the runtime introduces itself."""
        answer = await self._ask("GetManifest", wire.GetManifestRequest())
        with readable("GetManifest"):
            said = wire.GetManifestResponse.FromString(answer).manifest
        return Manifest(
            agent_id=said.agent_id,
            title=said.title,
            description=said.description,
            supported_modes=tuple(said.supported_modes),
            metadata=dict(said.metadata),
        )

    async def modes(self) -> tuple[Mode, ...]:
        """The standard modes, then those of extensions, which a runtime keeps in a list of their own."""
        standard, extended = await asyncio.gather(self._standard_modes(), self._extension_modes())
        return (*standard, *extended)

    async def roots(self) -> tuple[Root, ...]:
        """Every resource root."""
        answer = await self._ask("ListRoots", wire.ListRootsRequest())
        with readable("ListRoots"):
            roots = wire.ListRootsResponse.FromString(answer).roots
        return tuple(Root(uri=root.uri, name=root.name) for root in roots)

    async def policies(self, mode: str) -> tuple[Policy, ...]:
        """The policies that may be named in `mode`, as the runtime filters them."""
        answer = await self._ask("ListPolicies", wire.ListPoliciesRequest(mode=mode))
        with readable("ListPolicies"):
            return tuple(map(_policy, wire.ListPoliciesResponse.FromString(answer).descriptors))

    async def policy(self, policy_id: str) -> Policy | None:
        """The policy of this id; None where the runtime does not know it."""
        try:
            answer = await self._ask("GetPolicy", wire.GetPolicyRequest(policy_id=policy_id))
        except SessionNotFound:  # the status NOT_FOUND, here said of the policy
            return None
        with readable("GetPolicy"):
            return _policy(wire.GetPolicyResponse.FromString(answer).policy_descriptor)

    async def register_policy(self, policy: Policy) -> None:
        """The runtime has taken the policy; its rules travel as JSON text."""
        descriptor = wire.PolicyDescriptor(
            policy_id=policy.id,
            mode=policy.mode,
            description=policy.description,
            rules=orjson.dumps(policy.rules).decode(),
            schema_version=policy.schema_version,
        )
        answer = await self._ask("RegisterPolicy", wire.RegisterPolicyRequest(policy_descriptor=descriptor))
        with readable("RegisterPolicy"):
            said = wire.RegisterPolicyResponse.FromString(answer)
        if not said.ok:
            raise _refusal("RegisterPolicy", said.error)

    async def unregister_policy(self, policy_id: str) -> bool:
        """The runtime has dropped the policy; False where it did not know it."""
        try:
            answer = await self._ask("UnregisterPolicy", wire.UnregisterPolicyRequest(policy_id=policy_id))
        except SessionNotFound:
            return False
        with readable("UnregisterPolicy"):
            said = wire.UnregisterPolicyResponse.FromString(answer)
        if said.ok:
            return True
        if own_code(said.error) == UNKNOWN_POLICY or _NOT_FOUND.search(said.error):
            return False
        raise _refusal("UnregisterPolicy", said.error)

    async def _standard_modes(self) -> tuple[Mode, ...]:
        answer = await self._ask("ListModes", wire.ListModesRequest())
        with readable("ListModes"):
            return _modes(wire.ListModesResponse.FromString(answer).modes)

    async def _extension_modes(self) -> tuple[Mode, ...]:
        try:
            answer = await self._ask("ListExtModes", wire.ListExtModesRequest())
        except RuntimeUnsupported:
            return ()
        with readable("ListExtModes"):
            return _modes(wire.ListExtModesResponse.FromString(answer).modes)

    async def _ask(self, rpc: str, request: wire.Message) -> bytes:
        return await self.channels.call(rpc, request.SerializeToString(), self.credentials.own())


def _modes(said: Sequence[wire.ModeDescriptor]) -> tuple[Mode, ...]:
    return tuple(
        Mode(
            name=mode.mode,
            version=mode.mode_version,
            title=mode.title,
            description=mode.description,
            determinism_class=mode.determinism_class,
            participant_model=mode.participant_model,
            message_types=tuple(mode.message_types),
            terminal_message_types=tuple(mode.terminal_message_types),
            schema_uris=dict(mode.schema_uris),
        )
        for mode in said
    )


def _policy(said: wire.PolicyDescriptor) -> Policy:
    return Policy(
        id=said.policy_id,
        mode=said.mode,
        description=said.description,
        rules=_rules(said.rules),
        schema_version=said.schema_version,
        registered_at_unix_ms=said.registered_at_unix_ms,
    )


def _rules(text: str) -> JsonObject:
    """The rules as an object; a runtime may hold text that is none, which rules nothing."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _refusal(rpc: str, text: str) -> RuntimeRejected:
    code = ILL_DEFINED if _ILL_DEFINED.search(text) else own_code(text) or REFUSED
    return RuntimeRejected(f"{rpc}: {text or 'refused without a reason'}", runtime_code=code)
