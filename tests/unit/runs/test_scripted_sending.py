"""What is sent into a scripted session: where it lands, and when it is heard."""

import asyncio

import pytest

from runs.domain.events import Envelope, ObservationKind, SessionSnapshot, SessionState
from runs.errors import RuntimeRejected, RuntimeUnavailable
from tests.plans import a_message, a_plan
from tests.scripted import RUNTIME, attached, committed
from tests.streams import envelopes, read_ready, states, take, take_envelopes, types


async def test_bytes_that_are_no_message_are_refused() -> None:
    session = attached(a_plan())
    session.observe(0)

    answer = await session.send(b"[]")

    assert answer.ack.error is not None
    assert answer.ack.error.code == "INVALID_ENVELOPE"


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
    await session.start(RUNTIME.encode_start(plan))
    await committed(session, plan, a_message(1))

    before = await read_ready(session.observe(0))
    await committed(session, plan, a_message(2))
    after = await read_ready(session.observe(0))

    # It should answer the kickoff, and not end before it is in.
    assert types(before) == ["SessionStart", "Proposal"]
    assert types(envelopes(after))[:5] == ["SessionStart", "Proposal", "Proposal", "Proposal", "Evaluation"]
    assert states(before) == []
    assert states(after) == [SessionState.RESOLVED]


async def test_a_signal_is_said_beside_the_session_tied_to_it_and_not_counted_e14() -> None:
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
    assert echo.body.decoded == {
        "signalType": "look",
        "correlationSessionId": plan.session_id,
        "data": "eyJhIjoxfQ==",
        "dataJson": {"a": 1},
    }
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


async def test_the_answers_to_one_message_are_numbered() -> None:
    plan = a_plan(options={"scenario": "silent"})
    session = attached(plan)
    session.observe(0)

    answers = [await committed(session, plan, a_message(1)) for _ in range(3)]

    message_id = a_message(1).message_id
    assert [one.observation.source_id for one in answers] == [f"ack:{message_id}:{n}" for n in (1, 2, 3)]


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


async def test_a_message_sent_while_the_past_is_read_again_takes_no_place_of_it() -> None:
    plan = a_plan()
    session = attached(plan)
    first_reading = await take_envelopes(session.observe(0), 4)
    stream = session.observe(0)
    await take_envelopes(stream, 1)

    await committed(session, plan, a_message(1))

    again = await read_ready(session.observe(0))
    assert envelopes(again)[:4] == envelopes(first_reading)
    assert envelopes(again)[4].source_id == f"env:{a_message(1).message_id}"


async def test_a_cursor_beyond_the_session_leaves_no_hole_before_the_next_message() -> None:
    plan = a_plan(options={"scenario": "silent"})
    session = attached(plan)
    session.observe(50)

    await committed(session, plan, a_message(1))

    heard = await read_ready(session.observe(0))
    assert types(heard) == ["SessionStart", "Proposal"]
