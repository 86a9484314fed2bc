"""How stored things are shown: times, and the trace context of a caller."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.domain.documents import iso
from runs.domain.tracing import parsed_traceparent

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])))
def test_a_time_has_three_decimals_and_a_z(moment: datetime) -> None:
    text = iso(moment)

    assert len(text) == len("2026-01-31T09:30:00.000Z")
    assert text.endswith("Z")
    assert timedelta(0) <= moment - datetime.fromisoformat(text) < timedelta(milliseconds=1)


def test_a_whole_second_keeps_its_decimals() -> None:
    assert iso(datetime(2026, 1, 31, 9, 30, tzinfo=UTC)) == "2026-01-31T09:30:00.000Z"


def test_a_valid_traceparent_gives_its_trace_id() -> None:
    header = f"00-{TRACE}-{PARENT}-01"

    assert parsed_traceparent(header) == (header, TRACE)
    assert parsed_traceparent(f"cc-{TRACE}-{PARENT}-01-what-comes-later") == (f"cc-{TRACE}-{PARENT}-01", TRACE)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "junk",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{PARENT}-01-more",
    ],
)
def test_anything_else_counts_as_no_traceparent(header: str | None) -> None:
    assert parsed_traceparent(header) is None
