"""Bodies: the members, thin forms, and what is never too long."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.payloads import ERROR_BYTES, THIN_FROM_BYTES, Fact, body_of
from webhooks.payloads import test_body as body_of_a_test
from webhooks.wanted import SIX

RUN = UUID("0190a7c2-0000-7000-8000-0000000000aa")
EVENT = UUID("0190a7c2-0000-7000-8000-0000000000bb")
FACT = Fact(
    run_id=RUN,
    event_id=EVENT,
    seq=41,
    ts=datetime(2026, 1, 31, 9, 30, 0, 123_999, tzinfo=timezone(timedelta(hours=1))),
    status="failed",
    data='{"error":"it broke","z":1,"a":2.50}',
    error="it broke",
)
HEAD = {
    "event": "run.failed",
    "type": "run.failed",
    "runId": str(RUN),
    "status": "failed",
    "timestamp": "2026-01-31T08:30:00.123Z",
    "eventId": str(EVENT),
    "seq": 41,
}
ADDRESS = f"/runs/{RUN}/events?afterSeq=40&limit=1"


def test_an_ending_says_what_went_wrong() -> None:
    body = body_of("run.failed", FACT)
    assert orjson.loads(body) == {**HEAD, "data": {"error": "it broke"}}
    assert list(orjson.loads(body)) == [*HEAD, "data"]


@pytest.mark.parametrize("name", SIX)
def test_where_nothing_went_wrong_nothing_is_said(name: str) -> None:
    body = orjson.loads(body_of(name, replace(FACT, error=None)))
    assert (body["event"], body["type"], body["data"]) == (name, name, {})


def test_other_events_carry_their_data_byte_for_byte() -> None:
    body = body_of("message.received", FACT)
    assert body.endswith(b'"data":' + FACT.data.encode() + b"}")  # type: ignore[union-attr]


@pytest.mark.parametrize(("over", "is_thin"), [(0, False), (1, True)])
def test_beyond_the_limit_a_body_is_thin_and_has_the_address_of_its_event(over: int, is_thin: bool) -> None:
    def with_text(length: int) -> bytes:
        return body_of("message.received", replace(FACT, data='{"text":"' + "x" * length + '"}'))

    around = len(with_text(0))
    body = with_text(THIN_FROM_BYTES - around + over)
    document = orjson.loads(body)
    assert ("dataUrl" in document) is is_thin
    assert (document["data"] == {}) is is_thin
    if is_thin:
        assert document["dataUrl"] == ADDRESS
    else:
        assert len(body) == THIN_FROM_BYTES


def test_data_that_was_not_read_is_not_sent() -> None:
    document = orjson.loads(body_of("message.received", replace(FACT, data=None)))
    assert (document["data"], document["dataUrl"]) == ({}, ADDRESS)


@given(error=st.text(min_size=1, max_size=40).map(lambda text: text * 2_000))
def test_of_an_endless_error_the_beginning_is_said(error: str) -> None:
    body = body_of("run.failed", replace(FACT, error=error))
    said = orjson.loads(body)["data"]["error"]
    assert error.startswith(said)
    assert len(body) <= THIN_FROM_BYTES
    if len(said) < len(error):
        assert len(said.encode()) > ERROR_BYTES - 4
        assert orjson.loads(body)["dataUrl"] == ADDRESS


def test_a_test_has_the_members_of_every_body_and_is_about_no_run() -> None:
    at = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    document = orjson.loads(body_of_a_test(event_id=EVENT, at=at))
    assert list(document) == [*HEAD, "data"]
    assert document == {
        **dict.fromkeys(HEAD),
        "event": "webhook.test",
        "type": "webhook.test",
        "timestamp": "2026-01-31T09:30:00.000Z",
        "eventId": str(EVENT),
        "seq": 0,
        "data": {},
    }
