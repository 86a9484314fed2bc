"""A scripted session: what it says is a function of plan, cursor and committed state, whoever asks."""

import asyncio
from collections.abc import Callable

import pytest

from runs.domain.events import Ack, Envelope, Observation, ObservationKind, SessionSnapshot, SessionState
from runs.errors import RuntimeRejected, RuntimeUnavailable
from runs.runtimes.port import Outgoing, Sent, SessionPlan
from runs.runtimes.scripted import ScriptedRuntime
from runs.runtimes.scripted.session import ScriptedSession
from tests.plans import a_message, a_plan
from tests.streams import envelopes, read_ready, read_until, take, take_envelopes

RUNTIME = ScriptedRuntime()


def attached(plan: SessionPlan, state: bytes | None = None) -> ScriptedSession:
    return RUNTIME.attach(plan, adapter_state=state)


async def committed(session: ScriptedSession, plan: SessionPlan, message: Outgoing) -> Sent:
    answer = await session.send(RUNTIME.encode_message(plan, message))
    session.confirm(answer.adapter_state)
    return answer


def types(observations: list[Observation]) -> list[str]:
    return [one.body.message_type for one in observations if isinstance(one.body, Envelope)]


def states(observations: list[Observation]) -> list[SessionState]:
    return [one.body.state for one in observations if isinstance(one.body, SessionSnapshot)]


def is_lifecycle(observation: Observation) -> bool:
    return observation.kind is ObservationKind.LIFECYCLE


async def test_a_played_session_says_that_it_is_resolved_and_then_nothing() -> None:
    heard = await read_ready(attached(a_plan()).observe(0))

    assert states(heard) == [SessionState.RESOLVED]
    assert is_lifecycle(heard[-1])


async def test_a_take_over_at_the_very_end_hears_the_end_again() -> None:
    plan = a_plan()
    count = len(envelopes(await read_ready(attached(plan).observe(0))))

    heard = await read_ready(attached(plan).observe(count))

    assert [one.kind for one in heard] == [ObservationKind.LIFECYCLE]
    assert states(heard) == [SessionState.RESOLVED]


async def test_a_cursor_beyond_the_script_is_taken_as_its_end() -> None:
    heard = await read_ready(attached(a_plan()).observe(10_000))

    assert states(heard) == [SessionState.RESOLVED]


async def test_the_first_envelope_has_the_id_of_the_session_start() -> None:
    plan = a_plan()
    session = attached(plan)
    started = await session.start(RUNTIME.encode_start(plan))

    [first] = await take(session.observe(0), 1)

    assert first.source_id == f"env:{started.ack.message_id}"


async def test_an_agent_opened_session_is_there_without_a_start() -> None:
    heard = await read_ready(attached(a_plan(opener="agent")).observe(0))

    assert types(heard)[0] == "SessionStart"


async def test_bytes_that_are_no_session_start_are_refused() -> None:
    answer = await attached(a_plan()).start(b"\xff")

    assert not answer.ack.ok
    assert answer.ack.error is not None
    assert answer.ack.error.code == "INVALID_ENVELOPE"


async def test_bytes_that_are_no_message_are_refused() -> None:
    session = attached(a_plan())
    session.observe(0)

    answer = await session.send(b"[]")

    assert answer.ack.error is not None
    assert answer.ack.error.code == "INVALID_ENVELOPE"


async def test_a_fresh_handle_calls_the_session_open_and_counts_nothing() -> None:
    observation = await attached(a_plan()).snapshot()

    assert isinstance(observation.body, SessionSnapshot)
    assert observation.body.state is SessionState.OPEN
    assert observation.body.message_count is None


async def test_a_snapshot_counts_the_messages_played_without_the_session_start() -> None:
    session = attached(a_plan())
    await take_envelopes(session.observe(0), 3)

    observation = await session.snapshot()

    assert isinstance(observation.body, SessionSnapshot)
    assert observation.body.message_count == 2
    assert observation.body.expires_at_unix_ms - observation.body.started_at_unix_ms == a_plan().ttl_ms


async def test_nothing_is_said_while_a_send_is_not_committed() -> None:
    plan = a_plan()
    session = attached(plan)
    await take_envelopes(session.observe(0), 2)

    answer = await session.send(RUNTIME.encode_message(plan, a_message(1)))

    assert await read_ready(session.observe(2)) == []
    session.confirm(answer.adapter_state)
    heard = await read_ready(session.observe(2))
    assert envelopes(heard)[0].source_id == f"env:{a_message(1).message_id}"


async def test_a_send_that_was_never_committed_never_happened() -> None:
    plan = a_plan()
    session = attached(plan)
    await take_envelopes(session.observe(0), 2)
    await session.send(RUNTIME.encode_message(plan, a_message(1)))

    heard = await read_ready(attached(plan).observe(0))

    assert f"env:{a_message(1).message_id}" not in [one.source_id for one in heard]


async def test_an_uncommitted_message_sent_again_brings_its_state_along() -> None:
    plan = a_plan()
    session = attached(plan)
    session.observe(0)
    first = await session.send(RUNTIME.encode_message(plan, a_message(1)))

    second = await session.send(RUNTIME.encode_message(plan, a_message(1)))

    assert second.ack.duplicate
    assert second.adapter_state == first.adapter_state


async def test_two_messages_sent_before_a_commit_keep_their_order() -> None:
    plan = a_plan()
    session = attached(plan)
    stream = session.observe(0)
    await take_envelopes(stream, 1)
    await session.send(RUNTIME.encode_message(plan, a_message(1)))
    second = await session.send(RUNTIME.encode_message(plan, a_message(2)))

    session.confirm(second.adapter_state)

    heard = await take_envelopes(stream, 2)
    assert [one.source_id for one in envelopes(heard)] == [f"env:{a_message(n).message_id}" for n in (1, 2)]


async def test_the_first_of_two_commits_does_not_let_the_stream_go_on() -> None:
    plan = a_plan()
    session = attached(plan)
    await take_envelopes(session.observe(0), 1)
    first = await session.send(RUNTIME.encode_message(plan, a_message(1)))
    await session.send(RUNTIME.encode_message(plan, a_message(2)))

    session.confirm(first.adapter_state)

    assert await read_ready(session.observe(1)) == []


async def test_a_handle_that_knows_no_cursor_takes_no_message() -> None:
    plan = a_plan()

    with pytest.raises(RuntimeUnavailable):
        await attached(plan).send(RUNTIME.encode_message(plan, a_message(1)))


async def test_a_message_sent_right_after_the_start_follows_the_session_start() -> None:
    plan = a_plan()
    session = attached(plan)
    await session.start(RUNTIME.encode_start(plan))

    await committed(session, plan, a_message(1, message_type="Vote"))

    heard = await read_ready(session.observe(0))
    assert types(heard)[:3] == ["SessionStart", "Vote", "Proposal"]


async def test_the_script_waits_for_the_whole_kickoff() -> None:
    plan = a_plan(kickoff_count=2)
    session = attached(plan)
    await committed_kickoff(session, plan, a_message(1))

    before = await read_ready(session.observe(0))
    await committed(session, plan, a_message(2))
    after = await read_ready(session.observe(0))

    # It should answer the kickoff, and not end before it is in.
    assert types(before) == ["SessionStart", "Proposal"]
    assert types(envelopes(after))[:5] == ["SessionStart", "Proposal", "Proposal", "Proposal", "Evaluation"]
    assert states(before) == []
    assert states(after) == [SessionState.RESOLVED]


async def committed_kickoff(session: ScriptedSession, plan: SessionPlan, message: Outgoing) -> None:
    await session.start(RUNTIME.encode_start(plan))
    await committed(session, plan, message)


async def test_a_signal_is_said_beside_the_session_and_not_counted() -> None:
    plan = a_plan(options={"scenario": "silent"})
    session = attached(plan)
    await take(session.observe(0), 1)
    signal = a_message(1, message_type="Signal", payload={"signalType": "look", "data": "eyJhIjoxfQ=="})

    await committed(session, plan, signal)

    [echo] = await read_ready(session.observe(1))
    assert echo.kind is ObservationKind.AMBIENT
    assert echo.source_id == f"amb:lead:{signal.message_id}"
    assert isinstance(echo.body, Envelope)
    assert (echo.body.session_id, echo.body.mode) == ("", "")
    assert echo.body.decoded == {"signalType": "look", "data": "eyJhIjoxfQ==", "dataJson": {"a": 1}}
    observation = await session.snapshot()
    assert isinstance(observation.body, SessionSnapshot)
    assert observation.body.message_count == 0


async def test_bytes_of_an_unknown_type_come_back_as_they_were() -> None:
    plan = a_plan(options={"scenario": "silent"})
    session = attached(plan)
    await take(session.observe(0), 1)

    await committed(session, plan, a_message(1, message_type="Picture", payload=None, payload_bytes=b"\x89PNG\xff"))

    [echo] = await read_ready(session.observe(1))
    assert isinstance(echo.body, Envelope)
    assert (echo.body.payload, echo.body.decoded, echo.body.type_name) == (b"\x89PNG\xff", None, None)


async def test_defaults_are_left_out_of_what_is_decoded() -> None:
    plan = a_plan(options={"scenario": "silent"})
    session = attached(plan)
    await take(session.observe(0), 1)
    payload = {"commitmentId": "c", "outcomePositive": False, "reason": "", "action": "x.rejected"}

    await committed(session, plan, a_message(1, message_type="Commitment", payload=payload))

    [echo] = await read_ready(session.observe(1))
    assert isinstance(echo.body, Envelope)
    assert echo.body.decoded == {"commitmentId": "c", "action": "x.rejected"}
    assert echo.body.type_name == "macp.v1.CommitmentPayload"


async def test_a_payload_that_cannot_be_json_is_rejected_when_it_is_encoded() -> None:
    with pytest.raises(RuntimeRejected):
        RUNTIME.encode_message(a_plan(), a_message(1, payload={"option": "\ud800"}))


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


async def test_closing_a_handle_ends_its_streams() -> None:
    session = attached(a_plan(options={"scenario": "silent"}))
    stream = session.observe(0)
    await take(stream, 1)
    waiting = asyncio.ensure_future(anext(stream, None))
    await asyncio.sleep(0)

    await session.close()

    assert await asyncio.wait_for(waiting, 1) is None


async def test_the_answers_to_one_message_are_numbered() -> None:
    plan = a_plan(options={"scenario": "silent"})
    session = attached(plan)
    session.observe(0)

    answers = [await committed(session, plan, a_message(1)) for _ in range(3)]

    message_id = a_message(1).message_id
    assert [one.observation.source_id for one in answers] == [f"ack:{message_id}:{n}" for n in (1, 2, 3)]


async def test_the_answer_to_steering_has_no_identity() -> None:
    session = attached(a_plan())

    answer = await session.cancel("")

    assert isinstance(answer.observation.body, Ack)
    assert answer.observation.source_id is None


async def test_a_busy_unpaced_stream_lets_other_tasks_run() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await read_until(attached(a_plan(options={"scenario": "load", "events": 5_000})).observe(0), is_lifecycle)
    task.cancel()

    assert turns >= 10


@pytest.mark.parametrize(
    ("options", "least"),
    [({"scenario": "load", "events": 200, "ratePerSecond": 1000}, 0.2), ({"scenario": "silent", "stepMs": 50}, 0.0)],
)
async def test_a_paced_session_keeps_its_pace(options: dict[str, object], least: float) -> None:
    count = int(str(options.get("events", 0))) + 1
    clock: Callable[[], float] = asyncio.get_running_loop().time
    began = clock()

    await take_envelopes(attached(a_plan(options=options)).observe(0), count)

    assert clock() - began >= least * 0.99


async def test_an_echo_does_not_wait_for_the_pace_of_the_script() -> None:
    plan = a_plan(options={"stepMs": 60_000})
    session = attached(plan)
    stream = session.observe(0)
    await take(stream, 1)
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)

    await committed(session, plan, a_message(1))

    echo = await asyncio.wait_for(waiting, 1)
    assert echo.source_id == f"env:{a_message(1).message_id}"
