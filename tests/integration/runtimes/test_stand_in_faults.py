"""The stand-in misbehaves in exactly the way it was told to, as the adapter sees it (F08, F09)."""

import asyncio
import contextlib
import time

import pytest

from runs.domain.events import Envelope, Observation, ObservationKind, SessionState
from runs.errors import RuntimeRejected, RuntimeTimedOut, RuntimeUnavailable, RuntimeUnsupported, SessionNotFound
from runs.runtimes.macp.session import MacpSession
from tests.integration.runtimes.conftest import Connect, StartStandIn, stand_in_settings
from tests.integration.runtimes.sessions import NewPlan, says, started
from tests.stand_in_runtime.odd import BIG_BYTES
from tests.streams import read_every_until, read_until, states, take_envelopes, take_every

EVENTS = 6
LAST = EVENTS + 2  # after SessionStart and before the Commitment
LOAD = ("--script", "load", "--events", str(EVENTS))


async def heard_of(session: MacpSession, count: int, *, after: int = 0) -> list[str]:
    """The message ids of the next envelopes, shortened: `1` is the first of the load."""
    observed = await take_envelopes(session.observe(after), count)
    return [short(one) for one in observed if one.kind is ObservationKind.ENVELOPE]


def short(observation: Observation) -> str:
    assert isinstance(observation.body, Envelope)
    if observation.body.message_type == "SessionStart":
        return "start"
    return str(int(observation.body.message_id.removeprefix("load-")))


async def once_it_answers(session: MacpSession) -> Observation:
    """What the runtime says of the session, once it can be reached again."""
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(RuntimeUnavailable, RuntimeTimedOut):
                return await session.snapshot()


WHOLE = ["start", "1", "2", "3", "4", "5", "6", "0"]


@pytest.mark.parametrize(
    ("fault", "delivered"),
    [
        ("double@4", ["start", "1", "2", "3", "3", "4", "5", "6", "0"]),
        ("swap@4", ["start", "1", "2", "4", "3", "5", "6", "0"]),
        ("skip@4", ["start", "1", "2", "4", "5", "6", "0"]),
        ("rewind@4", ["start", "1", "2", "start", "1", "2", "3", "4", "5", "6", "0"]),
        ("forge@4", ["start", "1", "2", "3", "3", "4", "5", "6", "0"]),
        ("end-twice@1", WHOLE),
        ("talk-on@2", [*WHOLE, "-1", "-2"]),
    ],
)
async def test_the_first_subscription_hears_it_wrongly_and_the_next_one_rightly(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan, fault: str, delivered: list[str]
) -> None:
    runtime = connect(stand_in_settings(start_stand_in(*LOAD, "--fault", fault)))
    session = await started(runtime, new_plan())

    assert await heard_of(session, len(delivered)) == delivered
    assert await heard_of(session, LAST) == WHOLE


async def test_a_mute_stream_stays_open_while_its_session_goes_on(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan
) -> None:
    runtime = connect(stand_in_settings(start_stand_in(*LOAD, "--fault", "mute@4")))
    session = await started(runtime, new_plan())
    stream = session.observe(0)

    heard = await take_envelopes(stream, 3)
    if not any(map(says(SessionState.RESOLVED), heard)):
        heard += await read_every_until(stream, says(SessionState.RESOLVED))

    assert len([one for one in heard if one.kind is ObservationKind.ENVELOPE]) == 3
    assert await heard_of(session, LAST) == WHOLE


@pytest.mark.parametrize(("fault", "size"), [("big@4", BIG_BYTES), ("strange@4", 0)])
async def test_an_odd_message_is_as_odd_at_every_replay(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan, fault: str, size: int
) -> None:
    runtime = connect(stand_in_settings(start_stand_in(*LOAD, "--fault", fault)))
    session = await started(runtime, new_plan())

    for _ in range(2):
        heard = await take_envelopes(session.observe(0), LAST)
        body = [one.body for one in heard if one.kind is ObservationKind.ENVELOPE][3]
        assert isinstance(body, Envelope)
        assert body.message_id == "load-0000003"
        assert len(body.payload) >= size
        assert (body.message_type == "Unheard") == (size == 0)


@pytest.mark.parametrize("kept", [False, True])
async def test_a_forgotten_session_is_not_found_also_after_a_restart(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan, kept: bool, tmp_path: object
) -> None:
    stand_in = start_stand_in(*LOAD, "--fault", "forget@4", "--data", str(tmp_path))
    runtime = connect(stand_in_settings(stand_in))
    session = await started(runtime, new_plan())

    with pytest.raises(SessionNotFound):
        await read_every_until(session.observe(0), lambda _: False)
    if kept:
        await asyncio.to_thread(stand_in.restart)
        session = connect(stand_in_settings(stand_in)).attach(session._plan, adapter_state=None)
    with pytest.raises(SessionNotFound):
        await once_it_answers(session)


async def test_sessions_can_be_forgotten_at_any_moment(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan
) -> None:
    stand_in = start_stand_in()
    session = await started(connect(stand_in_settings(stand_in)), new_plan())

    assert await asyncio.to_thread(stand_in.forget) == 1
    with pytest.raises(SessionNotFound):
        await session.snapshot()


async def test_a_suspended_session_says_nothing_and_goes_on_when_it_is_resumed(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan
) -> None:
    runtime = connect(stand_in_settings(start_stand_in(*LOAD, "--rate", "20", "--fault", "suspend@4")))
    session = await started(runtime, new_plan())
    stream = session.observe(0)

    heard = await read_until(stream, says(SessionState.RESOLVED))

    # It should have been told by the watch of sessions, or by the question whether the subscription stands.
    assert SessionState.SUSPENDED in states(heard)
    assert await heard_of(session, LAST) == WHOLE


async def test_an_end_may_be_told_otherwise(start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan) -> None:
    runtime = connect(stand_in_settings(start_stand_in(*LOAD, "--rate", "20", "--fault", "end-otherwise@1")))
    session = await started(runtime, new_plan())

    heard = await read_every_until(session.observe(0), says(SessionState.CANCELLED))

    assert states(heard)[-2:] == [SessionState.RESOLVED, SessionState.CANCELLED]


@pytest.mark.parametrize("manner", ["inline", "status"])
async def test_the_history_of_an_ended_session_may_be_gone(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan, manner: str
) -> None:
    runtime = connect(stand_in_settings(start_stand_in(*LOAD, "--compact", manner)))
    session = await started(runtime, new_plan())
    stream = session.observe(0)
    await read_every_until(stream, says(SessionState.RESOLVED))

    for after in (0, 4):
        with pytest.raises(RuntimeRejected) as refused:
            await take_every(session.observe(after), 1)
        assert refused.value.runtime_code == "HISTORY_UNAVAILABLE"


async def test_answers_may_be_late_denied_or_unknown_and_are_counted(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan
) -> None:
    stand_in = start_stand_in(
        *("--slow", "GetSession=0.4", "--slow", "Start=0.2"),
        *("--refuse", "CancelSession", "--without", "SuspendSession"),
    )
    runtime = connect(stand_in_settings(stand_in))
    sessions = await asyncio.gather(*(started(runtime, new_plan()) for _ in range(5)))

    began = time.monotonic()
    await sessions[0].snapshot()
    assert time.monotonic() - began >= 0.4
    assert not (await sessions[0].cancel("x")).ack.ok
    with pytest.raises(RuntimeUnsupported):
        await sessions[0].suspend("x")
    seen = await asyncio.to_thread(stand_in.seen)
    assert seen["calls"]["Start"] == 5
    assert 2 <= seen["peaks"]["launching"] <= 5


async def test_a_frozen_stand_in_answers_nothing_until_it_is_thawed(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan
) -> None:
    stand_in = start_stand_in()
    session = await started(connect(stand_in_settings(stand_in, request_timeout=0.5)), new_plan())

    stand_in.freeze()
    with pytest.raises(RuntimeTimedOut):
        await session.snapshot()
    stand_in.thaw()
    assert says(SessionState.OPEN)(await once_it_answers(session))
