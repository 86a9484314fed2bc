"""What the adapter makes of a runtime that misbehaves."""

import asyncio

import pytest

from runs.domain.events import (
    Envelope,
    InlineError,
    Observation,
    ObservationKind,
    SessionSnapshot,
    SessionState,
    StreamStatus,
)
from runs.errors import RuntimeRejected, RuntimeTimedOut, RuntimeUnavailable, SessionNotFound
from runs.runtimes.macp.settings import MacpSettings
from tests.integration.runtimes.conftest import Connect, StartStandIn, stand_in_settings
from tests.integration.runtimes.sessions import NewPlan, ids, says, started
from tests.streams import read_every_until, take_envelopes, take_every


async def test_a_load_session_is_read_from_its_start_to_its_end(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan
) -> None:
    runtime = connect(stand_in_settings(start_stand_in("--script", "load", "--events", "1000")))
    session = await started(runtime, new_plan())

    stream = session.observe(0)
    heard = await take_envelopes(stream, 1002)
    if not any(map(says(SessionState.RESOLVED), heard)):
        await read_every_until(stream, says(SessionState.RESOLVED))

    # It should say first that the subscription stands and what the session is, leave nothing out, say nothing twice.
    assert heard[0].body == StreamStatus(status="opened")
    assert heard[1].kind is ObservationKind.SNAPSHOT
    assert len(ids(heard)) == len(set(ids(heard))) == 1002
    kinds = [one.body.message_type for one in heard if isinstance(one.body, Envelope)]
    assert (kinds[0], kinds[-1]) == ("SessionStart", "Commitment")
    assert {name: kinds.count(name) for name in ("Proposal", "Evaluation", "Vote")} == {
        "Proposal": 10,
        "Evaluation": 100,
        "Vote": 90,
    }


@pytest.mark.parametrize("fault", ["drop", "close"])
async def test_a_stream_that_breaks_goes_on_after_the_cursor(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan, fault: str
) -> None:
    runtime = connect(stand_in_settings(start_stand_in("--script", "load", "--events", "50", "--fault", f"{fault}@20")))
    session = await started(runtime, new_plan())

    before: list[Observation] = []
    try:
        async for observation in session.observe(0):
            before.append(observation)
    except RuntimeUnavailable:
        assert fault == "drop"
    else:
        assert fault == "close"
    assert len(ids(before)) == 19
    after = await take_envelopes(session.observe(19), 33)

    assert len(ids(before) + ids(after)) == len({*ids(before), *ids(after)}) == 52


async def test_a_frame_that_cannot_be_read_does_not_end_the_stream(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan
) -> None:
    """C17: one undecodable message is kept, and never ends, blocks or loops the stream."""
    runtime = connect(stand_in_settings(start_stand_in("--script", "load", "--events", "20", "--fault", "poison@10")))
    session = await started(runtime, new_plan())

    first = await take_envelopes(session.observe(0), 21)
    again = await take_envelopes(session.observe(0), 21)

    [poison] = [one for one in first if one.kind is ObservationKind.UNDECODABLE]
    assert poison.raw == b"\xff\xff\xff\xff"
    assert poison.source_id in {one.source_id for one in again}
    assert ids(first) == ids(again)


async def test_an_error_frame_in_between_is_an_observation(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan
) -> None:
    runtime = connect(stand_in_settings(start_stand_in("--script", "load", "--events", "20", "--fault", "inline@5")))
    session = await started(runtime, new_plan())

    heard = await take_envelopes(session.observe(0), 22)

    [error] = [one.body for one in heard if one.kind is ObservationKind.INLINE_ERROR]
    assert isinstance(error, InlineError)
    assert error.code == "INVALID_ENVELOPE"


@pytest.mark.parametrize("after", [0, 3])
async def test_a_subscription_answered_with_an_error_frame_is_a_refusal(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan, after: int
) -> None:
    stand_in = start_stand_in()
    plan = new_plan()
    await started(connect(stand_in_settings(stand_in)), plan)
    stranger = connect(stand_in_settings(stand_in, dev_senders=False, dev_agent_id="stranger"))

    with pytest.raises(RuntimeRejected) as refused:
        await take_every(stranger.attach(plan, adapter_state=None).observe(after), 1)

    assert refused.value.runtime_code == "FORBIDDEN"


async def test_a_runtime_that_says_nothing_at_all_is_not_waited_for_for_ever(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan
) -> None:
    """C05: a runtime that accepts the connection and stays silent."""
    runtime = connect(stand_in_settings(start_stand_in("--fault", "silent@1"), request_timeout=0.5))
    session = await started(runtime, new_plan())

    with pytest.raises(RuntimeTimedOut):
        await take_every(session.observe(0), 1)
    assert len(ids(await take_envelopes(session.observe(0), 1))) == 1


async def test_a_cursor_ahead_of_the_runtime_stands_after_a_quiet_moment(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan
) -> None:
    runtime = connect(stand_in_settings(start_stand_in()))
    session = await started(runtime, new_plan())

    assert (await take_every(session.observe(7), 1))[0].body == StreamStatus(status="opened")


async def test_a_runtime_that_is_not_there_is_unavailable(connect: Connect, new_plan: NewPlan) -> None:
    runtime = connect(MacpSettings(address="127.0.0.1:9", allow_insecure=True, dev_senders=True, request_timeout=5))
    session = runtime.attach(new_plan(), adapter_state=None)

    for call in (runtime.initialize(), session.snapshot(), session.cancel("x"), take_every(session.observe(0), 1)):
        with pytest.raises(RuntimeUnavailable):
            await call


@pytest.mark.parametrize(
    ("settings", "missing"),
    [(MacpSettings(), "RUNTIME_ADDRESS"), (MacpSettings(address="127.0.0.1:9"), "RUNTIME_ALLOW_INSECURE")],
)
async def test_a_deployment_without_a_usable_address_says_which_setting_is_missing(
    connect: Connect, settings: MacpSettings, missing: str
) -> None:
    with pytest.raises(RuntimeUnavailable, match=missing):
        await connect(settings).initialize()


async def test_a_session_nobody_opened_is_not_found(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan
) -> None:
    """A11: not found is told apart from every other failure, so that an agent may be waited for."""
    session = connect(stand_in_settings(start_stand_in())).attach(new_plan(), adapter_state=None)

    for call in (session.snapshot(), session.cancel("x"), session.suspend("x"), session.resume("x")):
        with pytest.raises(SessionNotFound):
            await call
    for after in (0, 4):
        with pytest.raises(SessionNotFound):
            await take_every(session.observe(after), 1)


async def test_the_watches_are_opened_again_and_tell_what_was_missed(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan, tmp_path: object
) -> None:
    stand_in = start_stand_in("--data", str(tmp_path))
    runtime = connect(stand_in_settings(stand_in))
    plan = new_plan()
    session = await started(runtime, plan)
    stream = session.observe(0)
    await take_envelopes(stream, 1)

    stand_in.restart()
    with pytest.raises(RuntimeUnavailable):
        await read_every_until(stream, lambda _: False)
    other = connect(stand_in_settings(stand_in)).attach(plan, adapter_state=None)
    assert (await other.suspend("meanwhile")).ack.ok
    heard = await read_every_until(session.observe(1), lambda one: one.kind is ObservationKind.LIFECYCLE)

    body = heard[-1].body
    assert isinstance(body, SessionSnapshot)
    assert body.state is SessionState.SUSPENDED


async def test_a_session_that_is_closed_ends_its_streams(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan
) -> None:
    runtime = connect(stand_in_settings(start_stand_in()))
    session = await started(runtime, new_plan())
    stream = session.observe(0)
    await take_envelopes(stream, 1)

    await session.close()

    async with asyncio.timeout(2):
        assert [one async for one in stream if one.kind is ObservationKind.ENVELOPE] == []


async def test_more_streams_than_one_connection_carries_all_stand(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan
) -> None:
    """The runtime grants 128 streams a connection; more runs need more channels."""
    runtime = connect(stand_in_settings(start_stand_in(), channels=1))
    sessions = await asyncio.gather(*(started(runtime, new_plan()) for _ in range(140)))

    streams = [session.observe(0) for session in sessions]
    heard = await asyncio.gather(*(take_envelopes(stream, 1) for stream in streams))

    assert all(one[0].body == StreamStatus(status="opened") for one in heard)
