"""The trace context of a caller."""

import pytest

from runs.domain.tracing import parsed_traceparent

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


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
