"""What a policy must be before a runtime is asked to take it."""

import pytest

from runs.api.requests.policy import read_policy
from runs.domain.events import JsonObject
from runs.domain.policies import policy_faults
from runs.errors import ValidationFailed

BODY: JsonObject = {"policyId": "policy.mine", "mode": "*", "description": "", "rules": {"voting": {"own": 1}}}


def paths_of(policy_id: str = "p", mode: str = "*", rules: JsonObject | None = None) -> list[str]:
    return [fault.path for fault in policy_faults(policy_id, mode, rules or {})]


@pytest.mark.parametrize(
    ("policy_id", "mode", "paths"),
    [
        ("policy.mine", "*", []),
        ("policy.mine", "macp.mode.decision.v1", []),
        ("", "*", ["policyId"]),
        (" \t", "*", ["policyId"]),
        ("policy.default", "*", ["policyId"]),
        ("policy.mine", "  ", ["mode"]),
        ("", "", ["policyId", "mode"]),
    ],
)
def test_a_policy_has_a_name_of_its_own_and_a_mode(policy_id: str, mode: str, paths: list[str]) -> None:
    assert paths_of(policy_id, mode) == paths


@pytest.mark.parametrize(
    ("rules", "paths"),
    [
        ({"voting": {"algorithm": "weighted"}}, ["rules.voting.weights"]),
        ({"voting": {"algorithm": "weighted", "weights": [1]}}, ["rules.voting.weights"]),
        ({"voting": {"algorithm": "weighted", "weights": {"ann": 2}}}, []),
        ({"voting": {"algorithm": "supermajority"}}, ["rules.voting.threshold"]),
        ({"voting": {"algorithm": "supermajority", "threshold": 0.5}}, ["rules.voting.threshold"]),
        ({"voting": {"algorithm": "supermajority", "threshold": True}}, ["rules.voting.threshold"]),
        ({"voting": {"algorithm": "supermajority", "threshold": 0.51}}, []),
        ({"voting": {"algorithm": "majority", "threshold": 0.5}}, []),
        ({"commitment": {"authority": "designated_role"}}, ["rules.commitment.designated_roles"]),
        (
            {"commitment": {"authority": "designated_role", "designated_roles": []}},
            ["rules.commitment.designated_roles"],
        ),
        ({"commitment": {"authority": "designated_role", "designated_roles": ["judge"]}}, []),
        ({"commitment": {"authority": "designated_role", "designatedRoles": ["judge"]}}, []),
        ({"commitment": {"authority": "initiator_only"}}, []),
        ({"voting": "none", "commitment": 1}, []),
    ],
)
def test_rules_that_cannot_work_are_found(rules: JsonObject, paths: list[str]) -> None:
    assert paths_of(rules=rules) == paths


def test_a_body_is_read_with_its_default_and_its_rules_as_they_are() -> None:
    policy = read_policy(BODY)

    assert (policy.id, policy.mode, policy.description, policy.schema_version) == ("policy.mine", "*", "", 1)
    assert policy.rules == {"voting": {"own": 1}}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"colour": "red"}, "colour"),
        ({"rules": None}, "rules"),
        ({"rules": "{}"}, "rules"),
        ({"description": None}, "description"),
        ({"mode": 1}, "mode"),
        ({"policyId": "x" * 256}, "policyId"),
        ({"schemaVersion": 0}, "schemaVersion"),
        ({"schemaVersion": 2**32}, "schemaVersion"),
    ],
)
def test_a_body_of_another_shape_is_refused_with_the_path_d14(change: JsonObject, path: str) -> None:
    with pytest.raises(ValidationFailed) as failed:
        read_policy({**BODY, **change})

    assert [fault.path for fault in failed.value.faults] == [path]
    assert failed.value.code == "VALIDATION_ERROR"
