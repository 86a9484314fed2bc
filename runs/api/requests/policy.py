"""The body of POST /runtime/policies."""

from runs.api.members import UNBOUNDED, Members
from runs.errors import FieldFault, ValidationFailed
from runs.runtimes.offer import Policy

BIGGEST_VERSION = 2**32 - 1  # of the protocol's field


def read_policy(body: object) -> Policy:
    """The policy in `body`. Raises ValidationFailed with every fault there is; whether it is a policy, others judge."""
    faults: list[FieldFault] = []
    members = Members.of(body, "", faults)
    version = members.optional_integer("schemaVersion", least=1, most=BIGGEST_VERSION)
    rules = members.optional_object("rules")
    if not members.has("rules"):
        members.fault("rules", "is required and must be an object")
    policy = Policy(
        id=members.text("policyId", shortest=0),
        mode=members.text("mode", shortest=0),
        description=members.text("description", longest=UNBOUNDED, shortest=0),
        rules=rules or {},
        schema_version=version or 1,
    )
    members.refuse_others()
    if faults:
        raise ValidationFailed(faults)
    return policy
