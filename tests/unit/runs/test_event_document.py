"""The event object of the HTTP contract."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import orjson
from hypothesis import given
from hypothesis import strategies as st

from runs.domain.documents import EventRow, event_document, iso

ROW = EventRow(
    id=UUID(int=1),
    run_id=UUID(int=2),
    seq=12,
    ts=datetime(2026, 1, 31, 9, 30, tzinfo=UTC),
    created_at=datetime(2026, 1, 31, 9, 30, 0, 4_999, tzinfo=UTC),
    type="message.received",
    subject_kind="message",
    subject_id="m-1",
    source_kind="runtime",
    source_name="rust-runtime",
    raw_type="Proposal",
    raw_seq=9,
    trace_id="4bf9",
    span_id="00f0",
    parent_span_id=None,
    data='{"b":1.50,"a":12345678901234567890}',
)


def test_an_event_is_told_nested_and_flat() -> None:
    document = orjson.loads(orjson.dumps(event_document(ROW._replace(data="{}"))))

    assert document == {
        "id": "00000000-0000-0000-0000-000000000001",
        "runId": "00000000-0000-0000-0000-000000000002",
        "seq": 12,
        "ts": "2026-01-31T09:30:00.000Z",
        "type": "message.received",
        "schemaVersion": 3,
        "subject": {"kind": "message", "id": "m-1"},
        "source": {"kind": "runtime", "name": "rust-runtime", "rawType": "Proposal", "rawSeq": 9},
        "trace": {"traceId": "4bf9", "spanId": "00f0"},
        "data": {},
        "subjectKind": "message",
        "subjectId": "m-1",
        "sourceKind": "runtime",
        "sourceName": "rust-runtime",
        "rawType": "Proposal",
        "traceId": "4bf9",
        "spanId": "00f0",
        "parentSpanId": None,
        "createdAt": "2026-01-31T09:30:00.004Z",
    }


def test_data_is_served_as_the_text_it_was_stored_as() -> None:
    # It should keep the order of keys, and numbers that no double holds.
    assert b'"data":{"b":1.50,"a":12345678901234567890},' in orjson.dumps(event_document(ROW))


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(9000, 1, 1)), st.integers(-14, 14))  # noqa: DTZ001 - bounds have no zone
def test_a_moment_is_told_in_utc_with_three_decimals(moment: datetime, hours: int) -> None:
    told = iso(moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=hours))))

    assert len(told) == len("2026-01-31T09:30:00.000Z")
    assert told.endswith("Z")
    assert timedelta(0) <= moment.replace(tzinfo=UTC) - datetime.fromisoformat(told) < timedelta(milliseconds=1)
