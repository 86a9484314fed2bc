"""Cancelling, suspending and resuming a scripted session."""

import asyncio

from runs.domain.events import Ack, SessionState
from tests.plans import a_message, a_plan
from tests.scripted import attached, committed
from tests.streams import envelopes, is_lifecycle, read_ready, states, take, take_envelopes, types


async def test_a_cancelled_session_says_so_where_it_stopped_and_no_more() -> None:
    plan = a_plan()
    session = attached(plan)
    await take_envelopes(session.observe(0), 3)
    answer = await session.cancel("enough")
    session.confirm(answer.adapter_state)

    heard = await read_ready(attached(plan, answer.adapter_state).observe(0))

    assert len(envelopes(heard)) == 3
    assert states(heard) == [SessionState.CANCELLED]


async def test_a_message_accepted_before_the_cancel_is_still_said() -> None:
    plan = a_plan()
    session = attached(plan)
    await take_envelopes(session.observe(0), 3)
    await committed(session, plan, a_message(1))
    answer = await session.cancel("enough")

    heard = await read_ready(attached(plan, answer.adapter_state).observe(3))

    assert [one.source_id for one in envelopes(heard)] == [f"env:{a_message(1).message_id}"]
    assert states(heard) == [SessionState.CANCELLED]


async def test_a_handle_that_followed_nothing_can_cancel_too() -> None:
    plan = a_plan()
    answer = await attached(plan).cancel("the owner is gone")

    heard = await read_ready(attached(plan, answer.adapter_state).observe(4))

    assert envelopes(heard) == []
    assert states(heard) == [SessionState.CANCELLED]


async def test_steering_takes_effect_only_when_it_is_committed() -> None:
    session = attached(a_plan(options={"scenario": "silent"}))
    answer = await session.cancel("enough")

    before = await session.snapshot()
    session.confirm(answer.adapter_state)
    after = await session.snapshot()

    assert states([before, after]) == [SessionState.OPEN, SessionState.CANCELLED]


async def test_a_suspended_session_stands_still_and_goes_on_where_it_stood() -> None:
    plan = a_plan()
    session = attached(plan)
    stream = session.observe(0)
    start = await take_envelopes(stream, 2)
    session.confirm((await session.suspend("lunch")).adapter_state)

    told = await read_ready(stream)
    session.confirm((await session.resume("back")).adapter_state)
    rest = await read_ready(session.observe(2))

    # It should tell both changes, and lose and repeat no envelope.
    assert states(told) == [SessionState.SUSPENDED]
    assert envelopes(told) == []
    assert states(rest) == [SessionState.OPEN, SessionState.RESOLVED]
    whole = await read_ready(attached(plan).observe(0))
    assert envelopes(start) + envelopes(rest) == envelopes(whole)


async def test_a_live_stream_tells_every_change_at_one_place() -> None:
    session = attached(a_plan(options={"scenario": "silent"}))
    stream = session.observe(0)
    await take(stream, 1)

    told = []
    for steer in (session.suspend, session.resume, session.suspend, session.cancel):
        session.confirm((await steer("")).adapter_state)
        told += await take(stream, 1)

    assert states(told) == [
        SessionState.SUSPENDED,
        SessionState.OPEN,
        SessionState.SUSPENDED,
        SessionState.CANCELLED,
    ]


async def test_the_answer_to_steering_has_no_identity() -> None:
    session = attached(a_plan())

    answer = await session.cancel("")

    assert isinstance(answer.observation.body, Ack)
    assert answer.observation.source_id is None


async def test_a_change_of_state_is_told_at_its_own_place_and_not_behind_it() -> None:
    plan = a_plan()
    session = attached(plan)
    await take_envelopes(session.observe(0), 2)
    session.confirm((await session.suspend("lunch")).adapter_state)
    state = (await session.resume("back")).adapter_state

    at_its_place = await read_ready(attached(plan, state).observe(2))
    behind = await read_ready(attached(plan, state).observe(3))

    assert states(at_its_place) == [SessionState.OPEN, SessionState.RESOLVED]
    assert states(behind) == [SessionState.RESOLVED]


async def test_a_paced_session_does_not_make_up_for_the_time_it_stood_still() -> None:
    session = attached(a_plan(options={"stepMs": 100}))
    stream = session.observe(0)
    await take(stream, 1)
    session.confirm((await session.suspend("lunch")).adapter_state)
    await take(stream, 1)
    waiting = asyncio.ensure_future(take(stream, 2))
    await asyncio.sleep(0.15)

    clock = asyncio.get_running_loop().time
    resumed = clock()
    session.confirm((await session.resume("back")).adapter_state)

    told, spoken = await waiting
    assert is_lifecycle(told)
    assert types([spoken]) == ["Proposal"]
    assert clock() - resumed >= 0.099
