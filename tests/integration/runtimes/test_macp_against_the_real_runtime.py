"""What the adapter promises, kept against the real runtime."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest
from macp_sdk import AuthConfig, DecisionSession, MacpClient

from runs.domain.events import Envelope, Observation, ObservationKind, SessionSnapshot, SessionState
from runs.errors import RuntimeRejected, RuntimeUnavailable, SessionNotFound
from runs.runtimes.macp import wire
from runs.runtimes.macp.client import MacpRuntime
from runs.runtimes.macp.session import MacpSession
from runs.runtimes.port import Participant, Root, SessionPlan
from tests.agent_processes import agents
from tests.integration.runtimes.conftest import Connect
from tests.plans import a_message
from tests.real_runtime import RealRuntime, token_of
from tests.streams import envelopes, read_until, take, take_envelopes

pytestmark = pytest.mark.macp_runtime

NewPlan = Callable[..., SessionPlan]


async def started(runtime: MacpRuntime, plan: SessionPlan) -> MacpSession:
    session = runtime.attach(plan, adapter_state=None)
    assert (await session.start(runtime.encode_start(plan))).ack.ok
    return session


async def sent(runtime: MacpRuntime, session: MacpSession, plan: SessionPlan, *numbers: int) -> None:
    for number in numbers:
        assert (await session.send(runtime.encode_message(plan, a_message(number)))).ack.ok


def ids(observations: list[Observation]) -> list[str | None]:
    return [one.source_id for one in envelopes(observations)]


def says(state: SessionState) -> Callable[[Observation], bool]:
    return lambda one: isinstance(one.body, SessionSnapshot) and one.body.state is state


async def test_the_runtime_says_what_it_offers(real_runtime: RealRuntime, connect: Connect) -> None:
    info = await connect(real_runtime.settings()).initialize()

    assert info.name == "macp-runtime"
    assert info.protocol_version == "1.0"
    assert {"macp.mode.decision.v1", "ext.multi_round.v1"} <= set(info.supported_modes)
    assert info.capabilities.sessions
    assert info.capabilities.cancellation


async def test_the_start_arrives_as_the_request_said_it(
    real_runtime: RealRuntime, connect: Connect, new_plan: NewPlan
) -> None:
    """E13: ttl, versions, policy, roots and context reach the runtime; the echo is compared with the request."""
    runtime = connect(real_runtime.settings())
    plan = new_plan(
        ttl_ms=45_000,
        intent="choose",
        configuration_version="c-7",
        policy_version="policy.default",
        context_id="ctx",
        context=b'{"a":1}',
        roots=(Root(uri="file:///srv", name="srv"),),
    )
    session = await started(runtime, plan)

    [start] = [one.body for one in envelopes(await take_envelopes(session.observe(0), 1))]
    snapshot = (await session.snapshot()).body

    assert isinstance(start, Envelope)
    assert start.decoded == {
        "intent": "choose",
        "participants": ["lead", "ann", "bob"],
        "modeVersion": "1.0.0",
        "configurationVersion": "c-7",
        "policyVersion": "policy.default",
        "ttlMs": 45_000,
        "roots": [{"uri": "file:///srv", "name": "srv"}],
        "contextId": "ctx",
        "extensions": {"x-signalbox.context": "eyJhIjoxfQ=="},
    }
    assert isinstance(snapshot, SessionSnapshot)
    assert snapshot.initiator == "lead"
    assert snapshot.context_id == "ctx"
    assert snapshot.extension_keys == ("x-signalbox.context",)
    assert snapshot.expires_at_unix_ms - snapshot.started_at_unix_ms == 45_000


async def test_starting_twice_is_a_duplicate_and_another_start_is_refused(
    real_runtime: RealRuntime, connect: Connect, new_plan: NewPlan
) -> None:
    runtime = connect(real_runtime.settings())
    plan = new_plan()
    session = await started(runtime, plan)

    again = await session.start(runtime.encode_start(plan))
    stranger = msgspec.structs.replace(new_plan(), session_id=plan.session_id)
    other = await session.start(runtime.encode_start(stranger))

    assert (again.ack.ok, again.ack.duplicate) == (True, True)
    assert other.ack.error is not None
    assert other.ack.error.code == "SESSION_ALREADY_EXISTS"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"session_id": "0190A7C2-0000-7000-8000-00000000000B"}, "INVALID_SESSION_ID"),
        ({"policy_version": "policy.nobody.knows"}, "UNKNOWN_POLICY_VERSION"),
        ({"mode_name": "mode.nobody.knows"}, "MODE_NOT_SUPPORTED"),
        ({"mode_version": "9.9.9"}, "INVALID_ENVELOPE"),
    ],
)
async def test_a_start_the_runtime_cannot_take_is_an_ack_with_its_own_code(
    real_runtime: RealRuntime, connect: Connect, new_plan: NewPlan, changes: dict[str, str], code: str
) -> None:
    runtime = connect(real_runtime.settings())
    plan = new_plan(**changes)

    answer = await runtime.attach(plan, adapter_state=None).start(runtime.encode_start(plan))

    assert answer.ack.error is not None
    assert answer.ack.error.code == code


@pytest.mark.parametrize("cursor", range(5))
async def test_observing_goes_on_after_any_cursor(
    real_runtime: RealRuntime, connect: Connect, new_plan: NewPlan, cursor: int
) -> None:
    runtime = connect(real_runtime.settings())
    plan = new_plan()
    session = await started(runtime, plan)
    await sent(runtime, session, plan, 1, 2, 3)

    stream = session.observe(cursor)
    heard = await take(stream, 1)
    await sent(runtime, session, plan, 4)
    heard += await take_envelopes(stream, 5 - cursor)

    everything = [
        runtime.encode_start(plan),
        *(runtime.encode_message(plan, a_message(number)) for number in range(1, 5)),
    ]
    wanted = [f"env:{wire.Envelope.FromString(one).message_id}" for one in everything]
    assert ids(heard) == wanted[cursor:]


async def test_suspending_resuming_and_cancelling_are_heard_through_the_watch(
    real_runtime: RealRuntime, connect: Connect, new_plan: NewPlan
) -> None:
    runtime = connect(real_runtime.settings())
    plan = new_plan()
    session = await started(runtime, plan)
    stream = session.observe(0)
    await take_envelopes(stream, 1)

    async def heard() -> SessionState:
        while (one := await anext(stream)).kind is not ObservationKind.LIFECYCLE:
            pass
        assert isinstance(one.body, SessionSnapshot)
        return one.body.state

    async with asyncio.timeout(10):
        while await heard() is not SessionState.OPEN:
            pass
        assert (await session.suspend("lunch")).ack.ok
        refused = await session.send(runtime.encode_message(plan, a_message(1)))
        assert await heard() is SessionState.SUSPENDED
        assert (await session.resume("back")).ack.ok
        assert await heard() is SessionState.OPEN
        assert (await session.cancel("enough")).ack.ok
        assert await heard() is SessionState.CANCELLED
    assert refused.ack.error is not None
    assert refused.ack.error.code == "SESSION_NOT_OPEN"
    assert (await session.cancel("again")).ack.session_state is SessionState.CANCELLED


async def test_a_signal_is_heard_by_the_session_it_is_correlated_to(
    real_runtime: RealRuntime, connect: Connect, new_plan: NewPlan
) -> None:
    """E14: a signal is a proper protocol signal, correlated to the session, with its type and severity kept."""
    runtime = connect(real_runtime.settings())
    plan, other_plan = new_plan(), new_plan()
    session, other = await started(runtime, plan), await started(runtime, other_plan)
    stream, other_stream = session.observe(0), other.observe(0)
    await take_envelopes(stream, 1)
    await take_envelopes(other_stream, 1)
    told = {"signalType": "alarm", "dataJson": {"severity": "high"}}
    message = a_message(1, message_type="Signal", sender="ann", payload=told)

    # A watch is best effort: a signal sent before it stands is lost, so the second one is sent when the first came.
    async with asyncio.timeout(10):
        signal = None
        while signal is None:
            answer = await session.send(runtime.encode_message(plan, message))
            batch = await take(stream, 1)
            signal = next((one for one in batch if one.kind is ObservationKind.AMBIENT), None)
    assert answer.ack.ok
    assert signal.source_id == f"amb:ann:{message.message_id}"
    assert isinstance(signal.body, Envelope)
    assert signal.body.decoded is not None
    assert signal.body.decoded["signalType"] == "alarm"
    assert signal.body.decoded["dataJson"] == {"severity": "high"}


async def test_a_policy_is_known_if_it_is_registered(real_runtime: RealRuntime, connect: Connect) -> None:
    runtime = connect(real_runtime.settings())

    assert await runtime.policy_known("")
    assert await runtime.policy_known("policy.default")
    assert not await runtime.policy_known("policy.nobody.knows")


async def test_after_a_restart_with_kept_data_the_stream_goes_on_without_a_gap(
    lasting_runtime: RealRuntime, connect: Connect, new_plan: NewPlan
) -> None:
    """A12: nothing of an open session is lost to a restart of the runtime."""
    runtime = connect(lasting_runtime.settings())
    plan = new_plan()
    session = await started(runtime, plan)
    await sent(runtime, session, plan, 1, 2)
    stream = session.observe(0)
    before = ids(await take_envelopes(stream, 2))

    await lasting_runtime.restart()
    with pytest.raises(RuntimeUnavailable):
        await read_until(stream, lambda _: False)
    await sent(runtime, session, plan, 3)
    after = ids(await take_envelopes(session.observe(2), 2))

    wanted = [f"env:{a_message(number).message_id}" for number in (1, 2, 3)]
    assert before[1:] + after == wanted
    assert (await session.send(runtime.encode_message(plan, a_message(2)))).ack.duplicate


async def test_after_a_restart_without_data_the_session_is_not_found(
    real_runtime: RealRuntime, connect: Connect, new_plan: NewPlan
) -> None:
    """C25: a runtime that lost its sessions says so, and is not asked for ever."""
    runtime = connect(real_runtime.settings())
    plan = new_plan()
    session = await started(runtime, plan)
    await take_envelopes(session.observe(0), 1)

    await real_runtime.restart()

    with pytest.raises(SessionNotFound):
        await session.snapshot()
    for after in (0, 1):
        with pytest.raises(SessionNotFound):
            await take(session.observe(after), 1)


async def test_the_history_of_an_ended_session_may_be_gone_and_its_end_is_still_told(
    lasting_runtime: RealRuntime, connect: Connect, new_plan: NewPlan
) -> None:
    runtime = connect(lasting_runtime.settings())
    plan = new_plan()
    session = await started(runtime, plan)
    await sent(runtime, session, plan, 1)
    assert (await session.cancel("enough")).ack.ok

    with pytest.raises(RuntimeRejected) as gone:
        await take_envelopes(session.observe(0), 1)
    heard = await read_until(session.observe(2), says(SessionState.CANCELLED))

    assert gone.value.runtime_code == "HISTORY_UNAVAILABLE"
    assert gone.value.details["lowest_available_sequence"] == 2
    assert heard[0].kind is ObservationKind.STREAM_STATUS


async def test_with_static_tokens_an_agents_session_is_observed_and_nobody_else_may(
    connect: Connect, new_plan: NewPlan
) -> None:
    real = RealRuntime(participants=("lead", "ann", "bob"))
    await real.start()
    try:
        runtime = connect(real.settings())
        plan = new_plan(opener="agent")
        session = runtime.attach(plan, adapter_state=None)
        with pytest.raises(SessionNotFound):
            await take(session.observe(0), 1)
        auth = AuthConfig.for_bearer(token_of("lead"), expected_sender="lead")
        with MacpClient(target=real.address, allow_insecure=True, auth=auth) as client:
            opened = DecisionSession(client, session_id=plan.session_id)
            opened.start(intent="decide", participants=["lead", "ann"], ttl_ms=60_000)
            heard = await take_envelopes(session.observe(0), 1)
        assert len(envelopes(heard)) == 1

        # An identity that is neither initiator, participant nor observer is refused by an error frame.
        settings = replace(real.settings(), bearer_token=token_of("bob"))
        with pytest.raises(RuntimeRejected) as refused:
            await take(connect(settings).attach(plan, adapter_state=None).observe(0), 1)
        assert refused.value.runtime_code == "FORBIDDEN"
    finally:
        real.kill()


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
                return await read_until(
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
