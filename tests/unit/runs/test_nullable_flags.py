"""Flags in JSON are true, false, null or not there; what anything else means is laid down for each of them (L14)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.api.requests import read_execution_request
from runs.domain.projection import EMPTY, fold
from runs.errors import ValidationFailed
from tests import scenarios
from tests.bodies import full_body
from tests.drafting import play
from tests.run_log import Log

ABSENT = object()
# Everything that is no boolean, also where it looks like one.
others = (
    st.sampled_from(["true", "false", "True", "", 0, 1, 1.0, [], [True], {}, {"value": True}])
    | st.text(max_size=6)
    | st.integers(-2, 2)
    | st.floats(allow_nan=False, allow_infinity=False)
)


def having(name: str, value: object) -> dict[str, Any]:
    """An object in which the flag has this value, or is not there."""
    return {} if value is ABSENT else {name: value}


# -- asked of us: a value that is no flag is refused


def is_delegated(value: object) -> bool:
    """What a request is taken to say about `cancellationDelegated`."""
    body = full_body()
    del body["session"]["metadata"]["cancellationDelegated"]
    body["session"]["metadata"] |= having("cancellationDelegated", value)
    return read_execution_request(body).session.cancellation_delegated


@pytest.mark.parametrize(("value", "meant"), [(ABSENT, False), (None, False), (False, False), (True, True)])
def test_a_flag_of_a_request_that_is_null_or_absent_is_not_set_l14(value: object, meant: bool) -> None:
    assert is_delegated(value) is meant


@given(others)
def test_anything_else_in_its_place_is_refused_with_its_path_l14(value: object) -> None:
    with pytest.raises(ValidationFailed) as refused:
        is_delegated(value)
    # It may be refused for more than one reason: as text it may hold what no text of ours may.
    assert all(fault.path.startswith("session.metadata.cancellationDelegated") for fault in refused.value.faults)


# -- said by agents: nothing is refused, and nothing but true is a yes


def verdict(value: object) -> object:
    """How an evaluation reads whose `allowed` has this value."""
    message = scenarios.unknown("m1", "", "PolicyCommitmentEvaluated", having("allowed", value))
    return play([message])[1].data["decision"]


@given(st.sampled_from([ABSENT, None, False]) | others)
def test_a_policy_allows_only_by_true_itself_l14(value: object) -> None:
    assert verdict(True) == "allow"
    assert verdict(value) == "deny"


def is_denial(value: object) -> bool:
    """Whether a message whose `policyDenied` has this value tells of a denial."""
    message = scenarios.unknown("m1", "bob", "Commitment", {"commitmentId": "c9", **having("policyDenied", value)})
    return "policy.denied" in [draft.type for draft in play([message])]


@given(st.sampled_from([ABSENT, None, False]) | others)
def test_a_message_tells_of_a_denial_only_by_true_itself_l14(value: object) -> None:
    assert is_denial(True)
    assert not is_denial(value)


def outcome(value: object) -> tuple[object, object]:
    """Whether the outcome of a commitment counts as positive, and how its quorum stands."""
    log = Log()
    log.derive("decision.finalized", "alice", "Commitment", having("outcomePositive", value), ("decision", "c1"), None)
    policy: Any = fold(EMPTY, log.events).public["policy"]
    return policy.get("outcomePositive", ABSENT), policy["quorumStatus"]


@pytest.mark.parametrize("value", [True, False])
def test_a_commitment_says_what_it_came_to_l14(value: bool) -> None:
    assert outcome(value) == (value, "reached" if value else "failed")


@given(st.sampled_from([ABSENT, None]) | others)
def test_a_commitment_that_does_not_say_came_to_neither_l14(value: object) -> None:
    assert outcome(value) == (ABSENT, "reached")
