"""What the adapter promises, kept against the real runtime."""

import asyncio
from dataclasses import replace

import msgspec
import pytest
from macp_sdk import AuthConfig, DecisionSession, MacpClient

from runs.domain.events import Envelope, ObservationKind, SessionSnapshot, SessionState
from runs.errors import RuntimeRejected, SessionNotFound
from runs.runtimes.macp import wire
from runs.runtimes.offer import Root
from tests.integration.runtimes.conftest import Connect
from tests.integration.runtimes.sessions import NewPlan, ids, sent, started
from tests.plans import a_message
from tests.real_runtime import RealRuntime, token_of
from tests.streams import envelopes, take_envelopes, take_every

pytestmark = pytest.mark.macp_runtime


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
    heard = await take_every(stream, 1)
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

    async def heard() -> SessionState:
        while (one := await anext(stream)).kind is not ObservationKind.LIFECYCLE:
            pass
        assert isinstance(one.body, SessionSnapshot)
        return one.body.state

    async with asyncio.timeout(10):
        assert await heard() is SessionState.OPEN
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
            batch = await take_every(stream, 1)
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
            await take_every(session.observe(0), 1)
        auth = AuthConfig.for_bearer(token_of("lead"), expected_sender="lead")
        with MacpClient(target=real.address, allow_insecure=True, auth=auth) as client:
            opened = DecisionSession(client, session_id=plan.session_id)
            opened.start(intent="decide", participants=["lead", "ann"], ttl_ms=60_000)
            heard = await take_envelopes(session.observe(0), 1)
        assert len(envelopes(heard)) == 1

        # An identity that is neither initiator, participant nor observer is refused by an error frame.
        settings = replace(real.settings(), bearer_token=token_of("bob"))
        with pytest.raises(RuntimeRejected) as refused:
            await take_every(connect(settings).attach(plan, adapter_state=None).observe(0), 1)
        assert refused.value.runtime_code == "FORBIDDEN"
    finally:
        real.kill()
