"""Section `outboundMessages`."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from runs.domain.projection import EMPTY, fold
from tests.run_log import Log, at

STATUSES = ("queued", "sent", "accepted", "rejected", "failed")


def outbound(log: Log) -> Any:
    return fold(EMPTY, log.events).public["outboundMessages"]


def counted(log: Log) -> dict[str, int]:
    return {name: count for name, count in outbound(log).items() if count}


def test_a_message_is_counted_under_its_present_status_alone() -> None:
    log = Log()
    log.send("queued", None, "m1")
    assert counted(log) == {"total": 1, "queued": 1}

    log.send("sent", "queued", "m1")
    assert counted(log) == {"total": 1, "sent": 1}

    log.send("accepted", "sent", "m1")
    log.send("queued", None, "m2")
    log.send("rejected", "queued", "m2")
    log.send("failed", None, "m3")
    assert counted(log) == {"total": 3, "accepted": 1, "rejected": 1, "failed": 1}


def test_a_reply_is_awaited_from_acceptance_until_it_came_or_not() -> None:
    log = Log()
    for name in ("m1", "m2"):
        log.send("queued", None, name, replyDeadlineAt=at(99))
        log.send("accepted", "queued", name, replyDeadlineAt=at(99))
    assert counted(log) == {"total": 2, "accepted": 2, "awaitingReply": 2}

    log.write("message.answered", {"messageId": "m1"})
    log.write("message.unanswered", {"messageId": "m2"})
    log.write("message.answered", {"messageId": "m3"})
    assert counted(log) == {"total": 2, "accepted": 2, "answered": 1, "unanswered": 1}


def test_an_acceptance_that_is_told_twice_owes_one_reply() -> None:
    log = Log()
    log.send("accepted", None, "m1", replyDeadlineAt=at(99))
    log.send("accepted", "accepted", "m1", replyDeadlineAt=at(99))

    assert counted(log) == {"total": 1, "accepted": 1, "awaitingReply": 1}


def test_an_error_of_the_stream_that_carries_no_status_is_not_counted() -> None:
    log = Log()
    log.write("message.send_failed", {"errorCode": "X", "messageId": "m1"})
    log.write("message.send_failed", {"status": "failed", "previousStatus": "lost"})

    assert counted(log) == {}


@given(st.lists(st.tuples(st.sampled_from(STATUSES), st.sampled_from((None, *STATUSES)), st.booleans())))
def test_whatever_is_claimed_the_total_is_the_sum_and_nothing_is_negative(
    claims: list[tuple[str, str | None, bool]],
) -> None:
    log = Log()
    for status, previous, owed in claims:
        log.send(status, previous, "m1", **({"replyDeadlineAt": at(99)} if owed else {}))
        log.write("message.answered")

    now = outbound(log)
    assert now["total"] == sum(now[status] for status in STATUSES)
    assert min(now.values()) >= 0
