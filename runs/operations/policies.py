"""Policies of a runtime: registered and unregistered there, and by whom is in the audit list.

They belong to no run, so nobody owns them: whoever is asked asks the runtime. The change is the runtime's and cannot share
a transaction with its audit entry, which follows it; a caller whose entry could not be written is told so. Where nobody can
tell whether the runtime has done it, the entry says that: somebody may have to look.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from runs.audit import LONGEST_NAME, Actor, note
from runs.domain.events import JsonObject
from runs.domain.policies import DEFAULT_POLICY, policy_faults
from runs.errors import (
    BreakerOpen,
    FieldFault,
    NoRuntime,
    NotFound,
    RuntimeRejected,
    RuntimeTimedOut,
    RuntimeUnavailable,
    ValidationFailed,
)
from runs.runtimes.calls import ask_runtime
from runs.runtimes.offer import ILL_DEFINED, Policy

REGISTERED = "policy.registered"
UNREGISTERED = "policy.unregistered"


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
    details: JsonObject = {"mode": policy.mode, "schemaVersion": policy.schema_version}
    try:
        with _noted_if_unknown(registrar, REGISTERED, policy.id, details):
            ask_runtime(registrar.kind, lambda runtime: runtime.offer.register_policy(policy))
    except RuntimeRejected as refused:
        if refused.runtime_code != ILL_DEFINED:
            raise
        raise ValidationFailed([FieldFault("rules", refused.message)], refused.message, code=ILL_DEFINED) from refused
    _note(registrar, REGISTERED, policy.id, details)


def unregister_policy(policy_id: str, registrar: Registrar) -> None:
    """The runtime does not know the policy any more; sessions that were opened under it keep it.

    Raises ValidationFailed for the reserved policy, NotFound where the runtime does not know it, and what the port may raise.
    """
    if policy_id == DEFAULT_POLICY:
        reserved = [FieldFault("policyId", f"{DEFAULT_POLICY} is reserved")]
        raise ValidationFailed(reserved, code=ILL_DEFINED)
    with _noted_if_unknown(registrar, UNREGISTERED, policy_id, {}):
        was_known = ask_runtime(registrar.kind, lambda runtime: runtime.offer.unregister_policy(policy_id))
    if not was_known:
        raise NotFound("the runtime does not know this policy")
    _note(registrar, UNREGISTERED, policy_id, {})


@contextmanager
def _noted_if_unknown(registrar: Registrar, action: str, policy_id: str, details: JsonObject) -> Iterator[None]:
    """Where the call inside may have changed something or not, the entry is written with `outcome: "unknown"`."""
    try:
        yield
    except (BreakerOpen, NoRuntime):
        raise  # it was never made
    except (RuntimeTimedOut, RuntimeUnavailable) as fault:
        _note(registrar, action, policy_id, {**details, "outcome": "unknown", "errorCode": fault.code})
        raise


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
