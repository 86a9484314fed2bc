"""GET /runs/{id}/messages: what was sent into a session, and its fate."""

import pytest
from django.test import Client

from runs.models import OutboundMessage, Run
from runs.recorder import record
from tests.cast import ack, queued_message, running_run

pytestmark = pytest.mark.django_db

ROW = {
    *("id", "runId", "runtimeSessionId", "messageId", "messageType", "category", "sender", "recipients", "status"),
    *("payloadDescriptor", "ack", "errorMessage", "replyTimeoutMs", "replyDeadlineAt", "replyStatus"),
    *("replyMessageId", "createdAt", "sentAt", "acceptedAt", "updatedAt"),
}


def sent(run: Run, position: int) -> OutboundMessage:
    return queued_message(run, position=position, sender="alice", recipients=["bob"], body=b"secret bytes")


def test_a_run_that_sent_nothing_has_an_empty_array(caller: Client) -> None:
    assert caller.get(f"/runs/{running_run().id}/messages").json() == []


def test_messages_come_in_the_order_of_sending_with_every_member(caller: Client) -> None:
    run = running_run()
    second = sent(run, 1)
    first = sent(run, 0)
    record(run.id, [ack(str(first.message_id))], epoch=None)
    rows = caller.get(f"/runs/{run.id}/messages").json()

    assert [row["id"] for row in rows] == [str(first.id), str(second.id)]
    assert all(set(row) == ROW for row in rows)
    assert (rows[0]["status"], rows[0]["ack"]["ok"]) == ("accepted", True)
    assert rows[0]["payloadDescriptor"] == {"encoding": "json", "sizeBytes": 2}
    assert rows[0]["runtimeSessionId"] == run.session_id
    assert (rows[1]["ack"], rows[1]["sentAt"], rows[1]["replyStatus"]) == (None, None, None)


def test_pages_join_and_have_bounds(caller: Client) -> None:
    run = running_run()
    ids = [str(sent(run, position).id) for position in range(3)]
    address = f"/runs/{run.id}/messages"

    assert [row["id"] for row in caller.get(address, {"limit": 2, "offset": 1}).json()] == ids[1:]
    assert caller.get(address, {"offset": 9}).json() == []
    assert caller.get(address, {"limit": 1001}).status_code == 400
