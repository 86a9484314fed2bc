"""Waiting for the fate of a message: each is an answer or an error of its own, and no wait is for ever."""

import threading
import time
from collections.abc import Callable
from uuid import uuid4

import orjson
import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from runs.domain.endings import EndingCode, Verdict
from runs.domain.events import Ack, AckError, Observation, ObservationKind
from runs.ending import end_run
from runs.errors import (
    BreakerOpen,
    InvalidTransition,
    RunNotFound,
    RuntimeFault,
    RuntimeRejected,
    RuntimeTimedOut,
    RuntimeUnavailable,
    RuntimeUnsupported,
)
from runs.models import OutboundMessage, Run
from runs.observer import lease
from runs.operations.fate import Accepted, await_acceptance
from runs.recorder import record, writing
from runs.recorder.fates import fail_message
from tests.answering import waiting_message
from tests.cast import ack, running_run
from tests.invariants import assert_invariants, types_of
from tests.observing import observing, silent_run, wait_for

pytestmark = pytest.mark.django_db(transaction=True)

SHORT = 0.05
ENOUGH = 30.0


@pytest.fixture
def run(transactional_db: None) -> Run:
    """A running run that a living observer owns, who does nothing."""
    run = running_run()
    Run.objects.filter(id=run.id).update(observer_id=lease.register(), lease_epoch=1)
    return run


def fate_of(message: OutboundMessage, *, unowned_s: float = ENOUGH) -> Accepted:
    queued_seq = types_of(message.run_id).index("message.queued") + 1
    return await_acceptance(message.run_id, message.message_id, queued_seq=queued_seq, unowned_s=unowned_s)


def fail(message: OutboundMessage, code: str) -> None:
    with writing(message.run_id, epoch=None) as writer:
        fail_message(writer, message, code=code, error=f"because of {code}", source_name="observer")


def refusal(message: OutboundMessage, code: str, details: bytes) -> Observation:
    message_id = str(message.message_id)
    error = AckError(code=code, message="no", details=details)
    body = Ack(ok=False, message_id=message_id, session_id="s", error=error)
    return Observation(kind=ObservationKind.ACK, body=body, raw=b"ack", source_id=f"ack:{message_id}:1")


def test_an_accepted_message_is_answered_with_the_runtimes_ack(run: Run) -> None:
    message = waiting_message(run, reply_timeout_ms=60_000)
    record(run.id, [ack(str(message.message_id))], epoch=None)

    accepted = fate_of(message)

    message.refresh_from_db()
    assert (accepted.status, accepted.message_id) == ("accepted", message.message_id)
    assert orjson.loads(accepted.ack)["ok"] is True
    assert accepted.reply_deadline_at == message.reply_deadline_at is not None


def test_a_fate_that_comes_while_somebody_waits_ends_the_wait(run: Run) -> None:
    message = waiting_message(run)

    def settle() -> None:
        record(run.id, [ack(str(message.message_id))], epoch=None)
        connection.close()

    later = threading.Timer(0.1, settle)
    later.start()
    assert fate_of(message).status == "accepted"
    later.join()


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("outcome_unknown", RuntimeTimedOut),
        ("no_owner", RuntimeUnavailable),
        ("RUNTIME_UNAVAILABLE", RuntimeUnavailable),
        ("RUNTIME_TIMEOUT", RuntimeTimedOut),
        ("CIRCUIT_BREAKER_OPEN", BreakerOpen),
        ("NOT_IMPLEMENTED", RuntimeUnsupported),
        ("NO_SENDER_CREDENTIAL", RuntimeRejected),
    ],
)
def test_a_failed_message_is_an_error_that_names_it_and_says_why(
    run: Run, code: str, fault: type[RuntimeFault]
) -> None:
    message = waiting_message(run)
    fail(message, code)

    with pytest.raises(RuntimeFault) as failure:
        fate_of(message)

    assert type(failure.value) is fault
    assert failure.value.message == f"because of {code}"
    assert failure.value.details["messageId"] == str(message.message_id)
    assert failure.value.runtime_code == (code if fault is RuntimeRejected else "")


def test_a_refusal_tells_the_runtimes_code_and_all_its_reasons(run: Run) -> None:
    message = waiting_message(run)
    details = b'{"reasons": ["quorum_not_met"], "denials": [{"code": "quorum_not_met"}]}'
    record(run.id, [refusal(message, "POLICY_DENIED", details)], epoch=None)

    with pytest.raises(RuntimeRejected) as refused:
        fate_of(message)

    assert refused.value.runtime_code == "POLICY_DENIED"
    assert refused.value.details == {
        "messageId": str(message.message_id),
        "reasons": ["quorum_not_met"],
        "denials": [{"code": "quorum_not_met"}],
    }


def test_a_runtime_whose_code_looks_like_one_of_ours_has_refused_all_the_same(run: Run) -> None:
    message = waiting_message(run)
    record(run.id, [refusal(message, "RUNTIME_TIMEOUT", b"")], epoch=None)

    with pytest.raises(RuntimeRejected):
        fate_of(message)


def test_a_run_that_ends_first_takes_no_message_any_more(run: Run) -> None:
    message = waiting_message(run)
    end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=None)

    with pytest.raises(InvalidTransition) as ended:
        fate_of(message)

    assert ended.value.details == {"messageId": str(message.message_id), "from": "completed"}
    assert_invariants()


def test_a_message_that_is_gone_with_its_run_is_of_no_run(run: Run) -> None:
    with pytest.raises(RunNotFound):
        await_acceptance(run.id, uuid4(), queued_seq=0)


def test_a_message_without_a_fate_is_waited_for_no_longer_than_a_request_may_take(run: Run, settings: Settings) -> None:
    settings.RUNTIME_REQUEST_TIMEOUT_MS = 100
    message = waiting_message(run)

    with pytest.raises(RuntimeTimedOut) as late:
        fate_of(message)

    # It should still be sent, and its fate be shown later.
    assert late.value.details == {"messageId": str(message.message_id)}
    message.refresh_from_db()
    assert message.status == "queued"


def nobody(run: Run) -> None:
    Run.objects.filter(id=run.id).update(observer_id=None)


def somebody_lost(run: Run) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE runs_observer SET lost_at = clock_timestamp()")


def somebody_silent(run: Run) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE runs_observer SET beat_at = clock_timestamp() - interval '1 hour'")


@pytest.mark.parametrize("owned_by", [nobody, somebody_lost, somebody_silent])
def test_without_a_live_owner_an_unclaimed_message_has_failed_and_is_never_sent(
    run: Run, owned_by: Callable[[Run], None]
) -> None:
    owned_by(run)
    message = waiting_message(run)

    with pytest.raises(RuntimeUnavailable) as unowned:
        fate_of(message, unowned_s=SHORT)

    assert unowned.value.details == {"messageId": str(message.message_id)}
    message.refresh_from_db()
    assert (message.status, message.error_code, message.sent_at) == ("failed", "no_owner", None)
    assert types_of(run.id)[-1] == "message.send_failed"
    assert_invariants()


def test_without_a_live_owner_a_claimed_message_keeps_its_fate_open(run: Run) -> None:
    nobody(run)
    message = waiting_message(run, claimed_epoch=1)

    with pytest.raises(RuntimeUnavailable):
        fate_of(message, unowned_s=SHORT)

    message.refresh_from_db()
    assert message.status == "queued"


def test_a_run_that_changes_hands_while_somebody_waits_is_not_without_an_owner(run: Run, settings: Settings) -> None:
    settings.RUNTIME_REQUEST_TIMEOUT_MS = 2_500
    message = waiting_message(run)

    def change_hands() -> None:
        nobody(run)
        time.sleep(0.5)  # longer than any pause between two looks, so that it is seen
        Run.objects.filter(id=run.id).update(observer_id=lease.register(), lease_epoch=2)
        connection.close()

    later = threading.Timer(1.6, change_hands)
    later.start()
    # It should count the time without an owner, not the time since somebody waits.
    with pytest.raises(RuntimeTimedOut):
        fate_of(message, unowned_s=1.5)
    later.join()
    message.refresh_from_db()
    assert message.status == "queued"


def test_a_run_without_an_owner_answers_503_after_five_seconds_and_nothing_is_sent_later(caller: Client) -> None:
    with observing():
        run_id = silent_run()
    body = {"from": "lead", "messageType": "Note"}

    response = caller.post(f"/runs/{run_id}/messages", body, content_type="application/json")

    assert (response.status_code, response.json()["errorCode"]) == (503, "RUNTIME_UNAVAILABLE")
    [row] = caller.get(f"/runs/{run_id}/messages").json()
    assert (row["messageId"], row["status"]) == (response.json()["details"]["messageId"], "failed")
    with observing():
        wait_for(lambda: Run.objects.get(id=run_id).observer_id is not None, "the next owner")
        assert caller.post(f"/runs/{run_id}/messages", body, content_type="application/json").status_code == 201
    assert types_of(run_id).count("message.sent") == 1
    assert_invariants()


def test_a_message_that_was_not_settled_in_time_is_504_and_its_fate_is_listed_later(
    caller: Client, settings: Settings
) -> None:
    with observing():
        run_id = silent_run()
    Run.objects.filter(id=run_id).update(observer_id=(idle := lease.register()))
    settings.RUNTIME_REQUEST_TIMEOUT_MS = 100

    response = caller.post(
        f"/runs/{run_id}/signal", {"from": "lead", "to": [], "messageType": "Note"}, content_type="application/json"
    )

    assert (response.status_code, response.json()["errorCode"]) == (504, "RUNTIME_TIMEOUT")
    message_id = response.json()["details"]["messageId"]
    assert [row["status"] for row in caller.get(f"/runs/{run_id}/messages").json()] == ["queued"]
    settings.RUNTIME_REQUEST_TIMEOUT_MS = 30_000
    lease.hand_back(idle)
    with observing():
        wait_for(lambda: OutboundMessage.objects.get(message_id=message_id).status == "accepted", "the sending")
    assert_invariants()
