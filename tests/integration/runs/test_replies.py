"""A message that owes a reply is answered or unanswered, exactly once, with an event (P2 in small)."""

import orjson
import pytest

from runs.domain.endings import EndingCode, Verdict
from runs.ending import end_run
from runs.models import Event, OutboundMessage, Run
from runs.recorder import record
from tests.cast import ack, envelope, fresh, queued_message, running_run
from tests.invariants import assert_invariants, types_of

pytestmark = pytest.mark.django_db


def owing(run: Run, *, to: list[str], timeout_ms: int | None = 60_000) -> OutboundMessage:
    """A stored message of the lead that owes a reply once it is accepted."""
    return queued_message(run, message_type="Question", recipients=to, reply_timeout_ms=timeout_ms)


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
