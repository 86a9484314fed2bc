"""What the owner of a run does with the messages that wait to be sent, whatever the runtime answers, or does not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import msgspec
import orjson
import psycopg
import pytest
from pytest_django.fixtures import Settings

from runs.bridge import rows
from runs.domain.endings import EndingCode, Verdict
from runs.domain.events import Ack
from runs.ending import end_run
from runs.errors import BreakerOpen, Fenced, RunEnded, RuntimeRejected, RuntimeTimedOut, RuntimeUnavailable
from runs.models import Event, LateObservation, OutboundMessage, Run
from runs.observer import delivery, steering
from runs.observer.answers import take_answer
from runs.observer.owned import OwnedRun
from runs.recorder import record, writing
from runs.recorder.fates import fail_message
from runs.runtimes.port import Sent, Session
from tests.answering import (
    ANOTHER,
    DUPLICATE,
    OK,
    REFUSED,
    TOO_FAST,
    Answer,
    AnsweringSession,
    kickoff_message,
    waiting_message,
)
from tests.cast import ack, running_run
from tests.invariants import assert_invariants, types_of
from tests.lock_waits import waiting_for_locks
from tests.played import owned
from tests.service import database_url

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_SECONDS = 15
LOST = RuntimeUnavailable("the answer is lost")
OLDER_EPOCH = 0
A_MOMENT = 0.2  # seconds in which what must not happen may prove that it does


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "BACKOFF_BASE_MS", 1)
    monkeypatch.setattr(steering, "LOOK_AGAIN_SECONDS", 0.02)


def run_taken_over() -> Run:
    """A running run whose owner is not its first."""
    run = running_run()
    Run.objects.filter(id=run.id).update(lease_epoch=OLDER_EPOCH + 1)
    return run


def send_waiting(run: Run, session: AnsweringSession) -> None:
    asyncio.run(_within(steering.send_waiting(owned(run), cast(Session, session))))


def send_kickoff(run: Run, session: AnsweringSession) -> None:
    asyncio.run(_within(steering.send_kickoff(owned(run), cast(Session, session))))


async def _within(work: Awaitable[None]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        await work


async def becomes_true(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.01)  # asked again: another task makes it so


def session_for(message: OutboundMessage, *answers: Answer) -> AnsweringSession:
    return AnsweringSession({str(message.message_id): answers})


def fate(message: OutboundMessage) -> tuple[str, str | None]:
    message.refresh_from_db()
    return message.status, message.error_code


def answer_to(message: OutboundMessage) -> Sent:
    observation = ack(str(message.message_id))
    assert isinstance(observation.body, Ack)
    return Sent(ack=observation.body, observation=observation)


@contextlib.asynccontextmanager
async def held(run: Run) -> AsyncIterator[None]:
    """Somebody else holds the run's lock inside the block."""
    with psycopg.connect(database_url()) as other:
        other.execute("SELECT 1 FROM runs_run WHERE id = %s FOR NO KEY UPDATE", [run.id])
        yield


def ids(*messages: OutboundMessage) -> list[str]:
    return [str(message.message_id) for message in messages]


def test_what_waits_is_sent_in_order_and_accepted_by_the_ack_alone_c20() -> None:
    run = running_run()
    messages = [waiting_message(run) for _ in range(3)]
    session = AnsweringSession()

    send_waiting(run, session)

    assert session.sent == ids(*messages)
    assert [fate(message) for message in messages] == [("accepted", None)] * 3
    assert types_of(run.id).count("message.sent") == 3
    assert_invariants()


def test_nothing_is_sent_where_nothing_waits() -> None:
    run = running_run()
    session = AnsweringSession()

    send_waiting(run, session)

    assert session.sent == []


def test_a_message_is_claimed_under_the_epoch_before_it_leaves() -> None:
    run = run_taken_over()
    message = waiting_message(run)
    gate = asyncio.Event()
    session = session_for(message, gate)

    async def scene() -> None:
        sending = asyncio.create_task(steering.send_waiting(await rows(owned, run), cast(Session, session)))
        await becomes_true(lambda: bool(session.sent))
        await rows(message.refresh_from_db)
        gate.set()
        await _within(sending)

    asyncio.run(scene())
    assert (message.status, message.claimed_epoch, message.attempt) == ("queued", OLDER_EPOCH + 1, 1)
    assert fate(message) == ("accepted", None)


def test_a_slow_sender_holds_up_its_own_messages_and_nobody_elses() -> None:
    run = running_run()
    slow, after = waiting_message(run, sender="slow"), waiting_message(run, sender="slow")
    gate = asyncio.Event()
    session = session_for(slow, gate)

    async def scene() -> OutboundMessage:
        sending = asyncio.create_task(steering.send_waiting(await rows(owned, run), cast(Session, session)))
        await becomes_true(lambda: session.sent == ids(slow))
        # It should notice what somebody else has to say even while the first is under way.
        other = await rows(waiting_message, run, sender="quick")
        await becomes_true(lambda: ids(other)[0] in session.sent)
        assert session.sent == ids(slow, other)
        gate.set()
        await _within(sending)
        return other

    other = asyncio.run(scene())
    assert session.sent == ids(slow, other, after)
    assert {fate(message) for message in (slow, other, after)} == {("accepted", None)}
    assert_invariants()


def test_only_so_many_senders_are_served_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steering, "SENDERS_AT_ONCE", 2)
    run = running_run()
    messages = [waiting_message(run, sender=f"sender-{number}") for number in range(5)]
    gates = {one: asyncio.Event() for one in ids(*messages)}
    session = AnsweringSession({one: [gate] for one, gate in gates.items()})

    async def scene() -> None:
        sending = asyncio.create_task(steering.send_waiting(await rows(owned, run), cast(Session, session)))
        for left in range(5, 0, -1):
            await becomes_true(lambda left=left: len(session.under_way) == min(left, 2))  # type: ignore[misc]
            one = min(session.under_way)
            gates[one].set()
            await becomes_true(lambda one=one: one not in session.under_way)  # type: ignore[misc]
        await _within(sending)

    asyncio.run(scene())
    assert session.most_at_once == 2
    assert {fate(message) for message in messages} == {("accepted", None)}


def test_the_order_of_a_sender_holds_under_load() -> None:
    run = running_run()
    senders = [f"sender-{number}" for number in range(12)]
    messages = [waiting_message(run, sender=sender) for _ in range(15) for sender in senders]
    answers = {one: [LOST] for one in ids(*messages[::7])}  # some need a second try
    session = AnsweringSession(answers)

    send_waiting(run, session)

    accepted = [
        orjson.loads(event.data) for event in Event.objects.filter(run_id=run.id, type="message.sent").order_by("seq")
    ]
    assert len(accepted) == len(messages)
    for sender in senders:
        wanted = ids(*[message for message in messages if message.sender == sender])
        assert [data["messageId"] for data in accepted if data["sender"] == sender] == wanted
        first_tries = list(dict.fromkeys(one for one in session.sent if one in wanted))
        assert first_tries == wanted
    assert_invariants()


def test_a_lost_answer_is_asked_for_again_with_the_same_bytes_and_a_duplicate_is_success_c20() -> None:
    run = running_run()
    message = waiting_message(run)
    session = session_for(message, LOST, RuntimeTimedOut("no answer"), DUPLICATE)

    send_waiting(run, session)

    assert session.sent == ids(message) * 3
    assert fate(message) == ("accepted", None)
    assert (message.attempt, orjson.loads(message.ack or "")["duplicate"]) == (3, True)
    assert types_of(run.id).count("message.sent") == 1
    assert_invariants()


@pytest.mark.parametrize(
    ("fault", "code"), [(LOST, "RUNTIME_UNAVAILABLE"), (RuntimeTimedOut("no answer"), "RUNTIME_TIMEOUT")]
)
def test_a_runtime_that_stays_away_fails_the_message_and_not_the_run(
    settings: Settings, fault: Exception, code: str
) -> None:
    settings.KICKOFF_MAX_RETRIES = 2
    run = running_run()
    message, following = waiting_message(run), waiting_message(run)
    session = session_for(message, *[fault] * 3)

    send_waiting(run, session)

    assert session.sent == ids(message) * 3 + ids(following)
    assert fate(message) == ("failed", code)
    assert fate(following) == ("accepted", None)
    assert Run.objects.get(id=run.id).status == "running"
    assert_invariants()


@pytest.mark.parametrize("is_ambient", [False, True])
def test_a_message_that_came_too_fast_waits_and_is_sent_again_as_the_same(is_ambient: bool) -> None:
    run = running_run()
    message, following = waiting_message(run, is_ambient=is_ambient), waiting_message(run)
    session = session_for(message, TOO_FAST, TOO_FAST, OK)

    send_waiting(run, session)

    # It should be in order, and say nothing of the refusals: it has no fate until it is given one.
    assert session.sent == ids(message) * 3 + ids(following)
    assert (fate(message), message.attempt) == (("accepted", None), 3)
    told = [kind for kind in types_of(run.id) if kind.startswith("message.")]
    assert told == ["message.queued", "message.queued", "message.sent", "message.sent"]
    assert_invariants()


def test_a_message_that_stays_too_fast_is_rejected_in_the_runtimes_own_words(settings: Settings) -> None:
    settings.KICKOFF_MAX_RETRIES = 2
    run = running_run()
    message = waiting_message(run)
    session = session_for(message, *[TOO_FAST] * 4)

    send_waiting(run, session)

    assert session.sent == ids(message) * 3
    assert fate(message) == ("rejected", "RATE_LIMITED")
    assert_invariants()


@pytest.mark.parametrize("claimed_epoch", [None, OLDER_EPOCH])
def test_a_message_that_may_have_arrived_is_not_said_to_be_rejected_because_its_repeats_came_too_fast(
    settings: Settings, claimed_epoch: int | None
) -> None:
    settings.KICKOFF_MAX_RETRIES = 2
    run = run_taken_over()
    message, following = waiting_message(run, claimed_epoch=claimed_epoch), waiting_message(run)
    lost = LOST if claimed_epoch is None else TOO_FAST  # its answer, or that of a former owner
    session = session_for(message, lost, *[TOO_FAST] * 3)

    send_waiting(run, session)

    assert session.sent == ids(message) * 3 + ids(following)
    assert fate(message) == ("failed", "outcome_unknown")
    assert fate(following) == ("accepted", None)
    assert_invariants()


def test_a_kickoff_that_may_have_arrived_and_then_came_too_fast_does_not_end_the_run(settings: Settings) -> None:
    settings.KICKOFF_MAX_RETRIES = 2
    run = running_run()
    message = kickoff_message(run)
    session = session_for(message, LOST, *[TOO_FAST] * 3)

    send_kickoff(run, session)

    assert session.sent == ids(message) * 3
    assert fate(message) == ("failed", "outcome_unknown")
    assert_invariants()


def test_an_ambient_message_that_may_have_arrived_is_not_sent_again_however_it_was_refused_before() -> None:
    run = running_run()
    message = waiting_message(run, is_ambient=True)
    session = session_for(message, TOO_FAST, LOST)

    send_waiting(run, session)

    assert session.sent == ids(message) * 2
    assert fate(message) == ("failed", "outcome_unknown")
    assert_invariants()


def test_a_kickoff_that_came_too_fast_does_not_end_the_run() -> None:
    run = running_run()
    message = kickoff_message(run)
    session = session_for(message, TOO_FAST, OK)

    send_kickoff(run, session)

    assert session.sent == ids(message) * 2
    assert fate(message) == ("accepted", None)
    assert_invariants()


def test_a_refused_message_says_why_and_does_not_end_the_run() -> None:
    run = running_run()
    message, following = waiting_message(run), waiting_message(run)

    send_waiting(run, session_for(message, REFUSED))

    assert fate(message) == ("rejected", "FORBIDDEN")
    assert fate(following) == ("accepted", None)
    [failed] = Event.objects.filter(run_id=run.id, type="message.send_failed")
    assert orjson.loads(failed.data)["reasons"] == ["not now"]
    assert Run.objects.get(id=run.id).status == "running"
    assert_invariants()


def test_an_ambient_message_whose_answer_is_lost_is_never_sent_again() -> None:
    run = running_run()
    signal = waiting_message(run, category="signal", is_ambient=True)
    session = session_for(signal, LOST)

    send_waiting(run, session)

    assert session.sent == ids(signal)
    assert fate(signal) == ("failed", "outcome_unknown")
    [failed] = Event.objects.filter(run_id=run.id, type="message.send_failed")
    assert (failed.subject_kind, failed.subject_id) == ("signal", ids(signal)[0])
    assert_invariants()


def test_after_a_take_over_the_fate_that_a_message_of_unknown_outcome_gets_depends_on_its_kind() -> None:
    run = run_taken_over()
    bound = waiting_message(run, sender="a", claimed_epoch=OLDER_EPOCH)
    half_sent = waiting_message(run, sender="b", claimed_epoch=OLDER_EPOCH, status="sent")
    signal = waiting_message(run, sender="c", category="signal", is_ambient=True, claimed_epoch=OLDER_EPOCH)
    context = waiting_message(run, sender="d", category="context_update", is_ambient=True, claimed_epoch=OLDER_EPOCH)
    bound_context = waiting_message(run, sender="e", category="context_update", claimed_epoch=OLDER_EPOCH)
    fresh_signal = waiting_message(run, sender="f", category="signal", is_ambient=True)
    session = session_for(bound, DUPLICATE)

    send_waiting(run, session)

    assert set(session.sent) == set(ids(bound, half_sent, bound_context, fresh_signal))
    assert len(session.sent) == 4
    accepted = (bound, half_sent, bound_context, fresh_signal)
    assert {fate(message) for message in accepted} == {("accepted", None)}
    assert {fate(message) for message in (signal, context)} == {("failed", "outcome_unknown")}
    assert_invariants()


def test_what_was_claimed_under_this_very_epoch_by_a_task_that_died_is_of_unknown_fate_too() -> None:
    run = run_taken_over()
    signal = waiting_message(run, is_ambient=True, category="signal", claimed_epoch=OLDER_EPOCH + 1)
    session = AnsweringSession()

    send_waiting(run, session)

    assert session.sent == []
    assert fate(signal) == ("failed", "outcome_unknown")


def test_a_breaker_that_is_open_fails_what_has_never_left_at_once() -> None:
    run = running_run()
    message, signal = waiting_message(run, sender="a"), waiting_message(run, sender="b", is_ambient=True)
    session = AnsweringSession(faults=[BreakerOpen(), BreakerOpen()])

    send_waiting(run, session)

    assert {fate(one) for one in (message, signal)} == {("failed", "CIRCUIT_BREAKER_OPEN")}
    assert len(session.sent) == 2
    assert_invariants()


def test_a_breaker_that_opens_after_a_lost_answer_is_waited_for_as_often_as_a_runtime_that_is_away() -> None:
    run = running_run()
    healed, given_up = waiting_message(run, sender="a"), waiting_message(run, sender="b")
    session = AnsweringSession(
        {ids(healed)[0]: [LOST, BreakerOpen()], ids(given_up)[0]: [LOST, *[BreakerOpen() for _ in range(9)]]}
    )

    send_waiting(run, session)

    assert fate(healed) == ("accepted", None)
    assert fate(given_up) == ("failed", "CIRCUIT_BREAKER_OPEN")


def test_a_sender_for_whom_the_owner_holds_nothing_fails_the_message_with_the_runtimes_word() -> None:
    run = running_run()
    message = waiting_message(run)

    send_waiting(run, session_for(message, RuntimeRejected("no credential", runtime_code="NO_SENDER_CREDENTIAL")))

    assert fate(message) == ("failed", "NO_SENDER_CREDENTIAL")


def test_a_defect_in_sending_costs_the_message_its_certainty_and_the_run_nothing() -> None:
    run = running_run()
    message, following = waiting_message(run), waiting_message(run)

    send_waiting(run, session_for(message, UnicodeEncodeError("ascii", "é", 0, 1, "no metadata")))

    assert fate(message) == ("failed", "outcome_unknown")
    assert fate(following) == ("accepted", None)


def test_an_answer_that_names_another_message_accepts_neither_c20() -> None:
    run = running_run()
    message, signal = waiting_message(run, sender="a"), waiting_message(run, sender="b", is_ambient=True)
    session = AnsweringSession({ids(message)[0]: [ANOTHER] * 9, ids(signal)[0]: [ANOTHER]})

    send_waiting(run, session)

    assert fate(message) == ("failed", "RUNTIME_UNAVAILABLE")
    assert fate(signal) == ("failed", "outcome_unknown")
    assert "message.sent" not in types_of(run.id)


def test_an_answer_that_is_on_record_already_does_not_make_a_message_go_out_for_ever() -> None:
    run = running_run()
    message = waiting_message(run)
    told = ack(ids(message)[0])
    OutboundMessage.objects.filter(id=message.id).update(message_id="00000000-0000-4000-8000-000000000000")
    record(run.id, [told], epoch=None)
    OutboundMessage.objects.filter(id=message.id).update(message_id=message.message_id)
    session = AnsweringSession()

    send_waiting(run, session)

    assert session.sent == ids(message)
    assert fate(message) == ("failed", "outcome_unknown")


def give_up(message: OutboundMessage) -> None:
    """Somebody else than the owner has given the message its fate."""
    with writing(message.run_id, epoch=None) as writer:
        fail_message(writer, message, code="no_owner", error="nobody took it", source_name="api")


async def while_the_first_is_under_way(
    send: Callable[[OwnedRun, Session], Awaitable[None]], run: Run, session: AnsweringSession, work: Callable[[], None]
) -> None:
    """`work` is done while the owner waits for the answer to its first message, whose gate is opened then."""
    sending = asyncio.ensure_future(send(await rows(owned, run), cast(Session, session)))
    await becomes_true(lambda: bool(session.sent))
    await rows(work)
    session.open_gates()
    await _within(sending)


def test_a_message_that_got_its_fate_meanwhile_is_not_sent() -> None:
    run = running_run()
    first, second = waiting_message(run), waiting_message(run)
    session = session_for(first, asyncio.Event())

    asyncio.run(while_the_first_is_under_way(steering.send_waiting, run, session, lambda: give_up(second)))

    assert session.sent == ids(first)
    assert fate(second) == ("failed", "no_owner")
    assert types_of(run.id).count("message.send_failed") == 1
    assert_invariants()


def test_a_kickoff_message_that_failed_meanwhile_has_not_been_taken() -> None:
    run = running_run()
    first, second = kickoff_message(run), kickoff_message(run)
    session = session_for(first, asyncio.Event())

    with pytest.raises(steering.NotDelivered, match="nobody took it"):
        asyncio.run(while_the_first_is_under_way(steering.send_kickoff, run, session, lambda: give_up(second)))

    assert session.sent == ids(first)


def test_a_former_owner_sends_nothing_c03() -> None:
    run = running_run()
    message = waiting_message(run)
    former, session = owned(run), AnsweringSession()
    Run.objects.filter(id=run.id).update(lease_epoch=run.lease_epoch + 1)

    with pytest.raises(ExceptionGroup) as failures:
        asyncio.run(_within(steering.send_waiting(former, cast(Session, session))))

    assert isinstance(failures.value.exceptions[0], Fenced)
    assert session.sent == []
    assert fate(message) == ("queued", None)


def test_an_answer_that_comes_after_the_ending_is_kept_apart() -> None:
    run = running_run()
    message = waiting_message(run)
    session = session_for(message, asyncio.Event())

    def end() -> None:
        end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=None)

    with pytest.raises(ExceptionGroup) as failures:
        asyncio.run(while_the_first_is_under_way(steering.send_waiting, run, session, end))

    assert isinstance(failures.value.exceptions[0], RunEnded)
    assert fate(message) == ("failed", "run_ended")
    assert LateObservation.objects.filter(run_id=run.id, kind="send-ack").count() == 1
    assert types_of(run.id)[-2:] == ["message.send_failed", "run.completed"]
    assert_invariants()


def test_a_kickoff_of_unknown_fate_goes_out_again_after_a_take_over_with_the_same_bytes() -> None:
    run = run_taken_over()
    first, second = kickoff_message(run, claimed_epoch=OLDER_EPOCH), kickoff_message(run)
    session = session_for(first, DUPLICATE)

    send_kickoff(run, session)

    assert session.sent == ids(first, second)
    assert {fate(message) for message in (first, second)} == {("accepted", None)}
    assert_invariants()


def test_an_ambient_kickoff_message_of_unknown_fate_is_not_doubled_and_the_kickoff_goes_on() -> None:
    run = run_taken_over()
    claimed = kickoff_message(run, is_ambient=True, claimed_epoch=OLDER_EPOCH)
    lost, last = kickoff_message(run, is_ambient=True), kickoff_message(run)
    session = session_for(lost, LOST)

    send_kickoff(run, session)

    assert session.sent == ids(lost, last)
    assert {fate(message) for message in (claimed, lost)} == {("failed", "outcome_unknown")}
    assert fate(last) == ("accepted", None)
    assert_invariants()


def test_a_refused_kickoff_message_stops_the_kickoff() -> None:
    run = running_run()
    refused, following = kickoff_message(run), kickoff_message(run)
    session = session_for(refused, REFUSED)

    with pytest.raises(steering.NotDelivered) as failure:
        send_kickoff(run, session)

    assert failure.value.runtime_code == "FORBIDDEN"
    assert session.sent == ids(refused)
    assert fate(following) == ("queued", None)


@pytest.mark.handmade_rows("a fate that no event tells of")
@pytest.mark.parametrize(("status", "runtime_code"), [("rejected", "FORBIDDEN"), ("failed", None)])
def test_a_kickoff_that_failed_before_a_take_over_has_failed(status: str, runtime_code: str | None) -> None:
    run = run_taken_over()
    lost, following = kickoff_message(run), kickoff_message(run)
    OutboundMessage.objects.filter(id=lost.id).update(status=status, error_code="FORBIDDEN", error_message="not now")
    session = AnsweringSession()

    with pytest.raises(steering.NotDelivered, match="not now") as failure:
        send_kickoff(run, session)

    assert failure.value.runtime_code == runtime_code
    assert session.sent == []
    assert fate(following) == ("queued", None)


def test_the_kickoff_leaves_other_messages_alone_and_they_leave_it() -> None:
    run = running_run()
    kickoff, message = kickoff_message(run), waiting_message(run)
    session = AnsweringSession()

    send_waiting(run, session)
    assert session.sent == ids(message)
    send_kickoff(run, session)
    assert session.sent == ids(message, kickoff)


def test_answers_are_recorded_one_by_one_in_the_order_in_which_they_came() -> None:
    """Each brings the whole adapter state: a later one must not be overwritten by an earlier one."""
    run = running_run()
    first, second = waiting_message(run, sender="a"), waiting_message(run, sender="b")
    confirmed: list[bytes | None] = []

    class Confirming(AnsweringSession):
        def confirm(self, adapter_state: bytes | None) -> None:
            confirmed.append(adapter_state)

    async def scene() -> None:
        session, mine = cast(Session, Confirming()), await rows(owned, run)
        sent = [msgspec.structs.replace(answer_to(one), adapter_state=state) for one, state in messages]
        taking = []
        async with held(run):
            for answer in sent:
                taking.append(asyncio.create_task(take_answer(mine, session, answer)))
                await asyncio.sleep(0)  # it has begun before the next one comes
            await becomes_true(lambda: bool(waiting_for_locks()))
            await asyncio.sleep(A_MOMENT)
            assert len(waiting_for_locks()) == 1  # the second waits for the first, not beside it
        await asyncio.gather(*taking)

    messages = [(first, b"one"), (second, b"one and two")]
    asyncio.run(_within(scene()))
    assert confirmed == [b"one", b"one and two"]
    assert bytes(Run.objects.get(id=run.id).session.adapter_state or b"") == b"one and two"
