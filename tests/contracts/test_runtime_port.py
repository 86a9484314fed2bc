"""What every runtime adapter promises, in the words of `runs/runtimes/port.py`. A new adapter is one more stage."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import cast

import msgspec
import pytest

from runs.domain.events import Ack, Envelope, Observation, ObservationKind, SessionSnapshot, SessionState
from runs.errors import SessionNotFound
from runs.runtimes.port import Outgoing, Sent, Session, SessionPlan
from tests.contracts.stage import Stage
from tests.plans import a_message
from tests.streams import envelopes, take_envelopes, types

A_MOMENT = 0.05  # seconds in which a stream that should be quiet may prove that it is not


async def opened(stage: Stage, plan: SessionPlan) -> Session:
    """A session that was started by this handle, and whose participants speak if the plan says so."""
    session = stage.runtime.attach(plan, adapter_state=None)
    started = await session.start(stage.runtime.encode_start(plan))
    assert started.ack.ok
    session.confirm(started.adapter_state)
    return session


async def sent(stage: Stage, session: Session, plan: SessionPlan, message: Outgoing) -> Sent:
    """The answer to one message, committed."""
    answer = await session.send(stage.runtime.encode_message(plan, message))
    session.confirm(answer.adapter_state)
    return answer


async def state_of(session: Session) -> SessionState:
    observation = await session.snapshot()
    assert observation.kind is ObservationKind.SNAPSHOT
    assert isinstance(observation.body, SessionSnapshot)
    return observation.body.state


async def shut(stream: AsyncIterator[Observation]) -> None:
    await cast(AsyncGenerator[Observation], stream).aclose()


async def played(stage: Stage, plan: SessionPlan) -> tuple[Session, list[Observation]]:
    """A session that was heard from its start to its last envelope."""
    session = await opened(stage, plan)
    await stage.perform(plan)
    stream = session.observe(0)
    heard = await take_envelopes(stream, stage.envelopes)
    await shut(stream)
    return session, envelopes(heard)


async def test_a_runtime_says_who_it_is_and_which_modes_it_offers(stage: Stage) -> None:
    info = await stage.runtime.initialize()

    assert info.name
    assert info.version
    assert info.protocol_version == "1.0"
    assert "macp.mode.decision.v1" in info.supported_modes
    assert stage.runtime.source_name


async def test_no_options_and_no_policy_are_always_allowed(stage: Stage) -> None:
    assert list(stage.runtime.option_faults({}, "")) == []
    assert await stage.runtime.policy_known("")


async def test_an_option_that_no_runtime_has_is_a_fault_with_its_path(stage: Stage) -> None:
    faults = stage.runtime.option_faults({"noSuchOption": 1}, "")

    assert [fault.path for fault in faults] == ["noSuchOption"]


async def test_the_same_plan_gives_the_same_bytes(stage: Stage) -> None:
    plan = stage.quiet_plan()
    runtime = stage.runtime

    assert runtime.encode_start(plan) == runtime.encode_start(plan)
    assert runtime.encode_message(plan, a_message(1)) == runtime.encode_message(plan, a_message(1))
    assert runtime.encode_message(plan, a_message(1)) != runtime.encode_message(plan, a_message(2))


async def test_the_initiator_and_the_participants_may_be_sent_as_and_nobody_without_a_name(stage: Stage) -> None:
    plan = stage.quiet_plan()

    assert stage.runtime.may_send_as(plan, plan.initiator)
    assert all(stage.runtime.may_send_as(plan, participant.id) for participant in plan.participants)
    assert not stage.runtime.may_send_as(plan, "")


async def test_whoever_may_be_sent_as_is_heard_under_that_name(stage: Stage) -> None:
    plan = stage.quiet_plan()
    session = await opened(stage, plan)

    assert stage.runtime.may_send_as(plan, "ann")
    answer = await sent(stage, session, plan, a_message(1, sender="ann"))

    assert answer.ack.ok
    stream = session.observe(1)
    [echo] = envelopes(await take_envelopes(stream, 1))
    assert isinstance(echo.body, Envelope)
    assert echo.body.sender == "ann"
    await shut(stream)


@pytest.mark.parametrize(
    ("message_type", "may"), [("Proposal", True), ("Note", True), ("Signal", False), ("Progress", False)]
)
async def test_only_what_the_session_counts_may_be_sent_again(stage: Stage, message_type: str, may: bool) -> None:
    plan = stage.quiet_plan()
    payloads = {"Proposal": {"proposalId": "p", "option": "x"}, "Signal": {"signalType": "alarm"}}
    message = a_message(1, message_type=message_type, payload=payloads.get(message_type, {}))
    session = stage.runtime.attach(plan, adapter_state=None)

    assert session.may_repeat(stage.runtime.encode_message(plan, message)) is may


async def test_starting_again_with_the_same_bytes_changes_nothing(stage: Stage) -> None:
    plan = stage.quiet_plan()
    session = await opened(stage, plan)

    again = await session.start(stage.runtime.encode_start(plan))

    # It should be told apart from the first, and leave one SessionStart.
    assert again.ack.ok
    assert again.ack.duplicate
    stream = session.observe(0)
    [start] = envelopes(await take_envelopes(stream, 1))
    assert isinstance(start.body, Envelope)
    assert start.body.message_type == "SessionStart"
    assert start.body.message_id == again.ack.message_id
    await stays_quiet(stream)


async def test_a_session_that_another_start_opened_is_refused(stage: Stage) -> None:
    plan, stranger = stage.quiet_plan(), stage.quiet_plan()
    session = await opened(stage, plan)
    same_session = msgspec.structs.replace(stranger, session_id=plan.session_id)

    answer = await session.start(stage.runtime.encode_start(same_session))

    assert not answer.ack.ok
    assert answer.ack.error is not None
    assert answer.ack.error.code == "SESSION_ALREADY_EXISTS"


async def test_a_refused_message_is_an_ack_and_not_an_exception(stage: Stage) -> None:
    plan = stage.quiet_plan()
    session = await opened(stage, plan)

    answer = await sent(stage, session, plan, a_message(1, sender="stranger"))

    # It should carry the runtime's own code, and leave the session open.
    assert answer.observation.kind is ObservationKind.ACK
    assert answer.observation.body == answer.ack
    assert not answer.ack.ok
    assert answer.ack.error is not None
    assert answer.ack.error.code
    assert await state_of(session) is SessionState.OPEN


async def test_an_accepted_message_comes_back_on_the_stream_under_its_own_id(stage: Stage) -> None:
    plan = stage.quiet_plan()
    session = await opened(stage, plan)
    stream = session.observe(0)
    envelopes(await take_envelopes(stream, 1))

    answer = await sent(stage, session, plan, a_message(1))
    [echo] = envelopes(await take_envelopes(stream, 1))

    assert answer.ack.ok
    assert answer.ack.message_id == a_message(1).message_id
    assert echo.source_id == f"env:{a_message(1).message_id}"
    assert isinstance(echo.body, Envelope)
    assert echo.body.sender == "lead"
    assert echo.body.decoded == a_message(1).payload
    assert echo.body.type_name == "macp.modes.decision.v1.ProposalPayload"
    await shut(stream)


async def test_the_same_message_twice_is_a_duplicate_and_is_said_once(stage: Stage) -> None:
    plan = stage.quiet_plan()
    session = await opened(stage, plan)

    first = await sent(stage, session, plan, a_message(1))
    second = await sent(stage, session, plan, a_message(1))

    # It should have two acks, each with an identity of its own, and one echo.
    assert [first.ack.duplicate, second.ack.duplicate] == [False, True]
    assert second.ack.ok
    assert first.observation.source_id != second.observation.source_id
    stream = session.observe(0)
    heard = envelopes(await take_envelopes(stream, 2))
    assert [one.source_id for one in heard][1:] == [f"env:{a_message(1).message_id}"]
    await stays_quiet(stream)


async def test_another_handle_on_the_committed_state_knows_what_was_accepted(stage: Stage) -> None:
    plan = stage.quiet_plan()
    session = await opened(stage, plan)
    answer = await sent(stage, session, plan, a_message(1))
    await session.close()

    other = stage.runtime.attach(plan, adapter_state=answer.adapter_state)
    stream = other.observe(1)

    [echo] = envelopes(await take_envelopes(stream, 1))
    assert echo.source_id == f"env:{a_message(1).message_id}"
    assert (await sent(stage, other, plan, a_message(1))).ack.duplicate
    await shut(stream)


async def test_every_envelope_has_bytes_and_a_source_id_from_its_message_id(stage: Stage) -> None:
    _, heard = await played(stage, stage.playing_plan())

    assert len({one.source_id for one in heard}) == stage.envelopes
    for one in heard:
        assert isinstance(one.body, Envelope)
        assert one.source_id == f"env:{one.body.message_id}"
        assert one.raw


async def test_observing_goes_on_exactly_after_the_cursor(stage: Stage) -> None:
    session, heard = await played(stage, stage.playing_plan())

    for cursor in range(stage.envelopes):
        stream = session.observe(cursor)
        rest = envelopes(await take_envelopes(stream, stage.envelopes - cursor))
        assert [one.source_id for one in rest] == [one.source_id for one in heard[cursor:]]
        await shut(stream)


async def test_what_is_said_again_after_a_reconnect_is_the_same(stage: Stage) -> None:
    plan = stage.playing_plan()
    session, heard = await played(stage, plan)
    await session.close()

    again = stage.runtime.attach(plan, adapter_state=None).observe(0)

    repeated = envelopes(await take_envelopes(again, stage.envelopes))
    assert [(one.source_id, one.digest(b"key")) for one in repeated] == [
        (one.source_id, one.digest(b"key")) for one in heard
    ]
    await shut(again)


async def test_a_session_that_was_played_is_resolved_and_its_stream_stays_open(stage: Stage) -> None:
    plan = stage.playing_plan()
    session = await opened(stage, plan)
    await stage.perform(plan)
    stream = session.observe(0)

    heard = await take_envelopes(stream, stage.envelopes)

    assert types(envelopes(heard))[-1] == "Commitment"
    assert await state_of(session) is SessionState.RESOLVED
    await stays_quiet(stream)


async def test_cancelling_an_open_session_ends_it_and_may_be_repeated(stage: Stage) -> None:
    session = await opened(stage, stage.quiet_plan())

    first = await session.cancel("no longer needed")
    session.confirm(first.adapter_state)
    second = await session.cancel("no longer needed")

    assert first.ack.ok
    assert second.ack.ok
    assert await state_of(session) is SessionState.CANCELLED


async def test_cancelling_a_resolved_session_is_ok_and_leaves_it_resolved(stage: Stage) -> None:
    session, _ = await played(stage, stage.playing_plan())

    answer = await session.cancel("too late")
    session.confirm(answer.adapter_state)

    assert answer.ack.ok
    assert answer.ack.session_state is SessionState.RESOLVED
    assert await state_of(session) is SessionState.RESOLVED


async def test_a_suspended_session_takes_no_message_until_it_is_resumed(stage: Stage) -> None:
    plan = stage.quiet_plan()
    session = await opened(stage, plan)

    suspended = await session.suspend("lunch")
    session.confirm(suspended.adapter_state)
    meanwhile = await sent(stage, session, plan, a_message(1))
    state = await state_of(session)
    resumed = await session.resume("back")
    session.confirm(resumed.adapter_state)
    afterwards = await sent(stage, session, plan, a_message(1))

    assert [suspended.ack.ok, meanwhile.ack.ok, resumed.ack.ok, afterwards.ack.ok] == [True, False, True, True]
    assert state is SessionState.SUSPENDED
    assert meanwhile.ack.error is not None
    assert meanwhile.ack.error.code == "SESSION_NOT_OPEN"


async def test_suspending_twice_and_resuming_an_open_session_are_refused(stage: Stage) -> None:
    session = await opened(stage, stage.quiet_plan())

    too_early = await session.resume("nothing to resume")
    session.confirm((await session.suspend("lunch")).adapter_state)
    twice = await session.suspend("lunch")

    assert not too_early.ack.ok
    assert not twice.ack.ok


async def test_the_answers_to_steering_are_acks(stage: Stage) -> None:
    session = await opened(stage, stage.quiet_plan())

    for steer in (session.suspend, session.resume, session.cancel):
        answer = await steer("because")
        session.confirm(answer.adapter_state)
        assert answer.observation.kind is ObservationKind.ACK
        assert isinstance(answer.observation.body, Ack)
        assert answer.observation.body == answer.ack


async def test_a_session_nobody_opened_is_not_found_where_the_runtime_can_know(stage: Stage) -> None:
    session = stage.runtime.attach(stage.quiet_plan(), adapter_state=None)

    if stage.knows_sessions:
        with pytest.raises(SessionNotFound):
            await session.snapshot()
    else:
        assert await state_of(session) is SessionState.OPEN


async def test_two_sessions_of_one_runtime_do_not_mix(stage: Stage) -> None:
    one, other = stage.quiet_plan(), stage.quiet_plan()
    first, second = await opened(stage, one), await opened(stage, other)

    await sent(stage, first, one, a_message(1))

    stream = second.observe(0)
    envelopes(await take_envelopes(stream, 1))
    await stays_quiet(stream)


async def stays_quiet(stream: AsyncIterator[Observation]) -> None:
    """No further envelope comes, and the stream does not end; it is closed."""

    async def next_envelope() -> None:
        while (await anext(stream)).kind is not ObservationKind.ENVELOPE:
            pass

    waiting = asyncio.ensure_future(next_envelope())
    done, _ = await asyncio.wait({waiting}, timeout=A_MOMENT)
    assert not done
    waiting.cancel()
    await asyncio.wait({waiting})
