"""Policies of a runtime: registered and unregistered there, and by whom is in the audit list.

They belong to no run, so nobody owns them: whoever is asked asks the runtime. The change is the runtime's and cannot share
a transaction with its audit entry, which follows it; a caller whose entry could not be written is told so.
"""

from dataclasses import dataclass
from uuid import UUID

from runs.domain.events import JsonObject
from runs.domain.policies import DEFAULT_POLICY, policy_faults
from runs.errors import FieldFault, NotFound, RuntimeRejected, ValidationFailed
from runs.operations.audit import LONGEST_NAME, Actor, note
from runs.runtimes.calls import ask_runtime
from runs.runtimes.offer import ILL_DEFINED, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrar:
    """Who wants a policy changed, and at the runtime of which kind."""

    kind: str
    project_id: UUID
    actor: Actor
    request_id: str | None


def register_policy(policy: Policy, registrar: Registrar) -> None:
    """The runtime knows the policy.

    Raises ValidationFailed (INVALID_POLICY_DEFINITION) where it is no policy, by our own checks or by the runtime's, and
    whatever else the port may raise.
    """
    if faults := list(policy_faults(policy.id, policy.mode, policy.rules)):
        raise ValidationFailed(faults, code=ILL_DEFINED)
    try:
        ask_runtime(registrar.kind, lambda runtime: runtime.offer.register_policy(policy))
    except RuntimeRejected as refused:
        if refused.runtime_code != ILL_DEFINED:
            raise
        raise ValidationFailed([FieldFault("rules", refused.message)], refused.message, code=ILL_DEFINED) from refused
    _note(registrar, "policy.registered", policy.id, {"mode": policy.mode, "schemaVersion": policy.schema_version})


def unregister_policy(policy_id: str, registrar: Registrar) -> None:
    """The runtime does not know the policy any more; sessions that were opened under it keep it.

    Raises ValidationFailed for the reserved policy, NotFound where the runtime does not know it, and what the port may raise.
    """
    if policy_id == DEFAULT_POLICY:
        reserved = [FieldFault("policyId", f"{DEFAULT_POLICY} is reserved")]
        raise ValidationFailed(reserved, code=ILL_DEFINED)
    if not ask_runtime(registrar.kind, lambda runtime: runtime.offer.unregister_policy(policy_id)):
        raise NotFound("the runtime does not know this policy")
    _note(registrar, "policy.unregistered", policy_id, {})


def _note(registrar: Registrar, action: str, policy_id: str, details: JsonObject) -> None:
    note(
        project_id=registrar.project_id,
        actor=registrar.actor,
        action=action,
        resource="policy",
        resource_id=policy_id[:LONGEST_NAME],
        details={**details, "runtimeKind": registrar.kind},
        request_id=registrar.request_id,
    )
