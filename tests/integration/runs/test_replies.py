"""A message that owes a reply is answered or unanswered, exactly once, with an event (P2 in small)."""

from uuid import uuid4

import msgspec
import orjson
import pytest

from runs.domain.endings import EndingCode, Verdict
from runs.domain.events import Draft, EventType, Observation
from runs.domain.outbound import outbound_data
from runs.ending import end_run
from runs.models import Event, OutboundMessage, Run
from runs.recorder import record, writing
from runs.recorder.messages import facts_of
from tests.cast import ack, envelope, fresh, running_run
from tests.invariants import assert_invariants, types_of

pytestmark = pytest.mark.django_db


def owing(run: Run, *, to: list[str], timeout_ms: int | None = 60_000) -> OutboundMessage:
    """A stored message of the lead that owes a reply once it is accepted."""
    with writing(run.id, epoch=0) as writer:
        message = OutboundMessage.objects.create(
            run_id=run.id,
            message_id=uuid4(),
            position=OutboundMessage.objects.filter(run_id=run.id).count(),
            category="kickoff",
            message_type="Question",
            sender="lead",
            recipients=to,
            payload_descriptor='{"encoding":"json","sizeBytes":2}',
            reply_timeout_ms=timeout_ms,
        )
        data = outbound_data(facts_of(message, "s"), status="queued", previous=None)
        writer.append([Draft(type=EventType.MESSAGE_QUEUED, data=data)])
    return message


def counters(run: Run) -> tuple[int, int, int]:
    outbound = orjson.loads(fresh(run).projection.state)["outboundMessages"]
    return outbound["awaitingReply"], outbound["answered"], outbound["unanswered"]


def test_the_first_message_of_an_addressee_answers_once() -> None:
    run = running_run()
    message = owing(run, to=["alice"])
    record(run.id, [ack(str(message.message_id))], epoch=0)
    assert counters(run) == (1, 0, 0)
    record(run.id, [envelope(1, sender="bob"), envelope(2, sender="alice"), envelope(3, sender="alice")], epoch=0)

    answered = Event.objects.get(run_id=run.id, type="message.answered")
    data = orjson.loads(answered.data)
    assert (data["replyMessageId"], data["sender"], data["replySeq"]) == ("m-2", "alice", answered.seq - 1)
    message.refresh_from_db()
    assert (message.reply_status, message.reply_message_id) == ("answered", "m-2")
    assert counters(run) == (0, 1, 0)
    assert_invariants()


def test_acceptance_and_reply_may_come_in_one_batch() -> None:
    run = running_run()
    message = owing(run, to=[])
    record(run.id, [envelope(1), ack(str(message.message_id)), envelope(2, sender="lead"), envelope(3)], epoch=0)

    # It should not take what came before the acceptance, nor the sender's own words, for a reply.
    assert orjson.loads(Event.objects.get(run_id=run.id, type="message.answered").data)["replyMessageId"] == "m-3"
    message.refresh_from_db()
    assert message.reply_status == "answered"
    assert_invariants()


def test_a_reply_still_owed_when_the_run_ends_is_unanswered() -> None:
    run = running_run()
    message = owing(run, to=["alice"])
    record(run.id, [ack(str(message.message_id))], epoch=0)
    end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=0)

    assert types_of(run.id)[-2:] == ["message.unanswered", "run.completed"]
    message.refresh_from_db()
    assert message.reply_status == "unanswered"
    assert counters(run) == (0, 0, 1)
    assert_invariants()


def test_a_message_without_a_timeout_owes_nothing() -> None:
    run = running_run()
    message = owing(run, to=["alice"], timeout_ms=None)
    record(run.id, [ack(str(message.message_id)), envelope(1, sender="alice")], epoch=0)

    assert "message.answered" not in types_of(run.id)
    message.refresh_from_db()
    assert (message.status, message.reply_status) == ("accepted", None)
    assert_invariants()


def echo(message: OutboundMessage) -> Observation:
    """The message as it comes back on the session stream."""
    told = envelope(0, sender=message.sender)
    body = msgspec.structs.replace(told.body, message_id=str(message.message_id))
    return msgspec.structs.replace(told, body=body, source_id=f"env:{message.message_id}")


def test_an_agent_that_is_faster_than_the_ack_has_answered_all_the_same() -> None:
    run = running_run()
    message = owing(run, to=["alice"])
    record(run.id, [envelope(1, sender="alice"), echo(message)], epoch=0)
    record(run.id, [envelope(2, sender="bob"), envelope(3, sender="alice"), envelope(4, sender="alice")], epoch=0)
    record(run.id, [ack(str(message.message_id))], epoch=0)

    # It should be the first reply after the echo: the runtime had accepted the message at that place.
    answered = Event.objects.get(run_id=run.id, type="message.answered")
    data = orjson.loads(answered.data)
    assert (data["replyMessageId"], data["sender"]) == ("m-3", "alice")
    reply = Event.objects.get(run_id=run.id, seq=data["replySeq"])
    assert orjson.loads(reply.data)["messageId"] == "m-3"
    message.refresh_from_db()
    assert (message.reply_status, message.reply_message_id) == ("answered", "m-3")
    assert counters(run) == (0, 1, 0)

    record(run.id, [envelope(5, sender="alice")], epoch=0)
    assert types_of(run.id).count("message.answered") == 1
    assert_invariants()


def test_echo_reply_and_ack_may_come_in_one_batch() -> None:
    run = running_run()
    message = owing(run, to=["alice"])
    record(run.id, [echo(message), envelope(1, sender="alice"), ack(str(message.message_id))], epoch=0)

    assert types_of(run.id)[-1] == "message.answered"
    assert counters(run) == (0, 1, 0)
    assert_invariants()


def test_what_was_said_before_the_echo_is_no_reply_however_long_the_log_is() -> None:
    run = running_run()
    message = owing(run, to=["alice"])
    record(run.id, [envelope(number, sender="alice") for number in range(1, 200)], epoch=0)
    record(run.id, [echo(message), *[envelope(f"b{number}", sender="bob") for number in range(150)]], epoch=0)
    record(run.id, [ack(str(message.message_id))], epoch=0)

    assert "message.answered" not in types_of(run.id)
    assert counters(run) == (1, 0, 0)
    assert_invariants()


def test_a_refused_message_owes_nothing() -> None:
    run = running_run()
    message = owing(run, to=["alice"])
    record(run.id, [ack(str(message.message_id), ok=False), envelope(1, sender="alice")], epoch=0)

    assert "message.answered" not in types_of(run.id)
    message.refresh_from_db()
    assert (message.status, message.reply_status) == ("rejected", None)
    assert_invariants()
