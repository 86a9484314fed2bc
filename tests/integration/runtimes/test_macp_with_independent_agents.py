"""Sessions played by agents on the published SDK, each a process of its own."""

import asyncio

import pytest

from runs.domain.events import Envelope, Observation, SessionState
from runs.errors import SessionNotFound
from runs.runtimes.macp.session import MacpSession
from runs.runtimes.port import Participant
from tests.agent_processes import agents
from tests.integration.runtimes.conftest import Connect
from tests.integration.runtimes.sessions import NewPlan, says, started
from tests.plans import a_message
from tests.real_runtime import RealRuntime
from tests.streams import read_every_until

pytestmark = pytest.mark.macp_runtime


async def test_independent_agents_play_a_decision_that_is_heard_to_its_end(
    real_runtime: RealRuntime, connect: Connect, new_plan: NewPlan
) -> None:
    runtime = connect(real_runtime.settings())
    plan = new_plan(opener="agent")
    cast = (("opener", "lead", "--participants", "lead,ann,bob"), ("voter", "ann"), ("voter", "bob"))

    with agents(real_runtime, plan.session_id, cast) as running:
        session = runtime.attach(plan, adapter_state=None)
        heard = await once_opened(session)
        codes = [await asyncio.to_thread(child.process.wait, 20) for child in running]

    assert codes == [0, 0, 0]
    kinds = [one.body.message_type for one in heard if isinstance(one.body, Envelope)]
    assert sorted(kinds) == ["Commitment", "Proposal", "SessionStart", "Vote", "Vote"]
    assert (kinds[0], kinds[-1]) == ("SessionStart", "Commitment")


async def once_opened(session: MacpSession) -> list[Observation]:
    """Everything up to the Commitment; an agent that has not opened the session yet is waited for."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await read_every_until(
                    session.observe(0),
                    lambda one: isinstance(one.body, Envelope) and one.body.message_type == "Commitment",
                )
            except SessionNotFound:
                await asyncio.sleep(0.05)


PLAYS: dict[str, tuple[dict[str, object], tuple[tuple[str, ...], ...], tuple[str, dict[str, object]] | None]] = {
    "proposal": (
        {"mode_name": "macp.mode.proposal.v1", "initiator": "buyer"},
        (("buyer", "buyer"), ("seller", "seller")),
        None,
    ),
    "task": (
        {"mode_name": "macp.mode.task.v1", "initiator": "planner"},
        (
            ("worker", "worker"),
            ("closer", "planner", "--mode", "task", "--after", "TaskComplete", "--action", "task.completed"),
        ),
        ("TaskRequest", {"taskId": "t1", "title": "dig", "requestedAssignee": "worker"}),
    ),
    "handoff": (
        {"mode_name": "macp.mode.handoff.v1", "initiator": "owner"},
        (
            ("target", "target"),
            ("closer", "owner", "--mode", "handoff", "--after", "HandoffAccept", "--action", "handoff.accepted"),
        ),
        ("HandoffOffer", {"handoffId": "h1", "targetParticipant": "target", "scope": "support"}),
    ),
    "quorum": (
        {"mode_name": "macp.mode.quorum.v1", "initiator": "lead"},
        (
            ("approver", "a"),
            ("approver", "b"),
            ("closer", "lead", "--mode", "quorum", "--after", "Approve", "--count", "2", "--action", "quorum.approved"),
        ),
        ("ApprovalRequest", {"requestId": "r1", "action": "deploy", "requiredApprovals": 2}),
    ),
}


@pytest.mark.parametrize("play", PLAYS)
async def test_independent_agents_play_a_session_that_we_opened(
    real_runtime: RealRuntime, connect: Connect, new_plan: NewPlan, play: str
) -> None:
    changes, cast, kickoff = PLAYS[play]
    runtime = connect(real_runtime.settings())
    names = dict.fromkeys(participant for _, participant, *_ in cast)
    plan = new_plan(participants=tuple(Participant(id=name) for name in names), **changes)
    session = await started(runtime, plan)

    with agents(real_runtime, plan.session_id, cast) as running:
        if kickoff is not None:
            message = a_message(1, sender=plan.initiator, message_type=kickoff[0], payload=kickoff[1])
            assert (await session.send(runtime.encode_message(plan, message))).ack.ok
        stream = session.observe(0)
        async with asyncio.timeout(20):
            async for one in stream:
                if says(SessionState.RESOLVED)(one):
                    break
        codes = [await asyncio.to_thread(child.process.wait, 20) for child in running]

    assert codes == [0] * len(cast)
