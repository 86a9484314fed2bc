"""The protocol's conformance cases, sent through the adapter to the real runtime."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from macp_sdk import AuthConfig, MacpClient
from macp_sdk.policy import CommitmentRules, VotingRules, build_decision_policy

from runs.domain.events import Envelope, SessionSnapshot
from runs.runtimes.port import Outgoing, Participant, SessionPlan
from tests.conformance import CASES, MAJORITY, Case
from tests.integration.runtimes.conftest import Connect
from tests.real_runtime import RealRuntime
from tests.streams import envelopes, take_envelopes

pytestmark = pytest.mark.macp_runtime


def register_majority(runtime: RealRuntime) -> None:
    """The policy of the cases is known to the runtime."""
    policy = build_decision_policy(
        MAJORITY,
        "a majority decides, the initiator commits",
        voting=VotingRules(algorithm="majority"),
        commitment=CommitmentRules(authority="initiator_only"),
    )
    auth = AuthConfig.for_dev_agent("registrar")
    with MacpClient(target=runtime.address, allow_insecure=True, auth=auth) as client:
        assert client.register_policy(policy).ok


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_the_runtime_answers_as_the_case_says(
    case: Case, real_runtime: RealRuntime, connect: Connect, new_plan: Callable[..., SessionPlan]
) -> None:
    if case.policy:
        register_majority(real_runtime)
    runtime = connect(real_runtime.settings())
    participants = tuple(Participant(id=one) for one in case.participants)
    plan = new_plan(
        mode_name=case.mode, initiator=case.initiator, participants=participants, policy_version=case.policy
    )
    session = runtime.attach(plan, adapter_state=None)
    assert (await session.start(runtime.encode_start(plan))).ack.ok

    answers = []
    for step in case.steps:
        message = Outgoing(
            message_id=str(uuid4()), message_type=step.message_type, sender=step.sender, payload=step.payload
        )
        ack = (await session.send(runtime.encode_message(plan, message))).ack
        answers.append(ack.error.code if ack.error else None)
        if step.refused == "POLICY_DENIED":
            assert ack.error is not None
            assert b"reasons" in ack.error.details
    snapshot = (await session.snapshot()).body

    # It should accept and refuse as the case says, and what was accepted should be on the stream, decoded.
    assert answers == [step.refused for step in case.steps]
    assert isinstance(snapshot, SessionSnapshot)
    assert snapshot.state is case.state
    accepted = [step for step in case.steps if step.refused is None]
    assert snapshot.message_count == len(accepted)
    heard = envelopes(await take_envelopes(session.observe(1), len(accepted)))
    told = [one.body for one in heard if isinstance(one.body, Envelope)]
    assert [(one.sender, one.message_type) for one in told] == [(step.sender, step.message_type) for step in accepted]
    for one, step in zip(told, accepted, strict=True):
        assert one.decoded == {name: value for name, value in step.payload.items() if value not in ("", False)}
