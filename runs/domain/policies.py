"""What a policy must be before a runtime is asked to take it: the checks that need no runtime."""

from collections.abc import Iterator

from runs.domain.events import JsonObject
from runs.errors import FieldFault

DEFAULT_POLICY = "policy.default"  # every runtime has it, and nobody may change it


def policy_faults(policy_id: str, mode: str, rules: JsonObject) -> Iterator[FieldFault]:
    """Everything that makes this no policy; paths as in the body of POST /runtime/policies."""
    if not policy_id.strip():
        yield FieldFault("policyId", "must not be blank")
    if policy_id == DEFAULT_POLICY:
        yield FieldFault("policyId", f"{DEFAULT_POLICY} is reserved")
    if not mode.strip():
        yield FieldFault("mode", "must not be blank; * stands for every mode")
    yield from _voting_faults(_part(rules, "voting"))
    yield from _commitment_faults(_part(rules, "commitment"))


def _voting_faults(voting: JsonObject) -> Iterator[FieldFault]:
    algorithm, threshold = voting.get("algorithm"), voting.get("threshold")
    if algorithm == "weighted" and not isinstance(voting.get("weights"), dict):
        yield FieldFault("rules.voting.weights", "is required and must be an object for the algorithm weighted")
    is_number = isinstance(threshold, int | float) and not isinstance(threshold, bool)
    if algorithm == "supermajority" and not (is_number and threshold > 0.5):  # type: ignore[operator]
        yield FieldFault("rules.voting.threshold", "must be greater than 0.5 for the algorithm supermajority")


def _commitment_faults(commitment: JsonObject) -> Iterator[FieldFault]:
    roles = commitment.get("designated_roles") or commitment.get("designatedRoles")
    if commitment.get("authority") == "designated_role" and not (isinstance(roles, list) and roles):
        message = "must not be empty for the authority designated_role"
        yield FieldFault("rules.commitment.designated_roles", message)


def _part(rules: JsonObject, name: str) -> JsonObject:
    part = rules.get(name)
    return part if isinstance(part, dict) else {}
