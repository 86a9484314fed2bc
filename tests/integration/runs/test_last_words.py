"""What is recorded together with an ending counts before it: a message whose answer comes so is not failed by it too."""

import orjson
import pytest

from runs.domain.endings import EndingCode, Verdict
from runs.domain.events import Observation
from runs.ending import end_run
from runs.models import Event, OutboundMessage, Run
from tests.cast import ack, envelope, fresh, queued_message, running_run
from tests.invariants import assert_invariants

pytestmark = pytest.mark.django_db(transaction=True)

OWED = {"reply_timeout_ms": 60_000, "recipients": ["alice"]}


def ended_with(run: Run, *batch: Observation) -> None:
    verdict = Verdict(code=EndingCode.PROGRESS_TIMEOUT, message="nothing was said")
    end_run(run.id, verdict, epoch=run.lease_epoch, batch=batch)


def fates(message: OutboundMessage) -> list[tuple[str, object]]:
    told = Event.objects.filter(run_id=message.run_id, type__startswith="message.").order_by("seq")
    ours = [one for one in told if orjson.loads(one.data).get("messageId") == str(message.message_id)]
    return [(one.type, orjson.loads(one.data).get("status")) for one in ours][1:]


@pytest.mark.parametrize(("ok", "kind", "status"), [(True, "sent", "accepted"), (False, "send_failed", "rejected")])
def test_a_message_that_is_answered_with_the_ending_has_that_fate_alone(ok: bool, kind: str, status: str) -> None:
    run = running_run()
    answered, silent = queued_message(run), queued_message(run)
    ended_with(run, ack(str(answered.message_id), ok=ok))
    assert fates(answered) == [(f"message.{kind}", status)]
    assert fates(silent) == [("message.send_failed", "failed")]
    answered.refresh_from_db()
    assert (answered.status, answered.error_code) == (status, None)
    assert_invariants()


def test_a_reply_that_is_owed_only_now_is_unanswered_once_and_one_that_came_is_answered() -> None:
    run = running_run()
    owing, given = queued_message(run, **OWED), queued_message(run, **{**OWED, "recipients": ["bob"]})
    acks = [ack(str(one.message_id)) for one in (owing, given)]
    ended_with(run, *acks, envelope(1, sender="bob"))
    assert [kind for kind, _ in fates(owing)] == ["message.sent", "message.unanswered"]
    assert [kind for kind, _ in fates(given)] == ["message.sent", "message.answered"]
    for message, status in ((owing, "unanswered"), (given, "answered")):
        message.refresh_from_db()
        assert (message.status, message.reply_status) == ("accepted", status)
    assert fresh(run).has_ended
    assert_invariants()
