"""What a receiver asks for with its answer (W08, W09)."""

import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.parcels import AT
from webhooks.response import FARTHEST_S, retry_after_s, wish_of

NOW = datetime.fromtimestamp(AT, UTC)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("120", 120), (" 7\t", 7), ("0", 0), ("0007", 7), ("9" * 30, FARTHEST_S), ("9" * 5000, FARTHEST_S)],
)
def test_seconds_are_seconds(said: str, seconds: float) -> None:
    """W08"""
    assert retry_after_s(said, at=AT) == seconds


@pytest.mark.parametrize(
    "said",
    [
        format_datetime(NOW + timedelta(minutes=5), usegmt=True),
        "Thu, 01 Jan 2026 00:05:00 GMT",
        "Thursday, 01-Jan-26 00:05:00 GMT",  # the two older forms that a receiver must take, too
        "Thu Jan  1 00:05:00 2026",
        "Thu, 01 Jan 2026 02:05:00 +0200",
        "Thu, 01 Jan 2026 00:05:00 -0000",  # of no known zone
        "Thu, 01 Jan 2026 00:05:00",
        "1 Jan 2026 00:05 GMT",
    ],
)
def test_a_date_is_so_many_seconds_from_the_attempt(said: str) -> None:
    """W08"""
    assert retry_after_s(said, at=AT) == 300


@pytest.fixture
def far_from_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clock of this process shows another time of day than that of most receivers."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("said", ["Thu, 01 Jan 2026 00:05:00 -0000", "Thu Jan  1 00:05:00 2026"])
def test_a_date_of_no_zone_is_not_of_ours(far_from_greenwich: None, said: str) -> None:
    """W08"""
    assert retry_after_s(said, at=AT) == 300


def test_a_date_beyond_all_measure_means_never() -> None:
    """W08"""
    assert retry_after_s("Fri, 31 Dec 9999 23:59:59 GMT", at=AT) == FARTHEST_S


@pytest.mark.parametrize(
    "said",
    [
        None,
        "",
        " ",
        "-1",
        "+5",
        "1.5",
        "1e3",
        "0x10",
        "5 s",
        "5, 10",
        "five",
        "inf",
        "nan",
        "\u0663",  # a digit, of another alphabet
        "Wed, 31 Dec 2025 23:59:59 GMT",  # over
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Thu, 32 Jan 2026 00:05:00 GMT",
        "Thu, 01 Foo 2026 00:05:00 GMT",
        "Thu, 01 Jan 2026 25:61:61 GMT",
        "Thu, 01 Jan 0000 00:05:00 GMT",
        "Thu, 01 Jan 0001 00:05:00 +2359",
        "Fri, 31 Dec 9999 23:59:59 -9999",
        "Fri, 31 Dec 99999 23:59:59 GMT",
        "2026-01-01T00:05:00Z",
        ",",
        "()",
    ],
)
def test_garbage_and_what_is_over_ask_for_nothing(said: str | None) -> None:
    """W08"""
    assert retry_after_s(said, at=AT) is None


@given(said=st.text(max_size=60) | st.datetimes().map(str) | st.from_regex(r"\w{3}, \d+ \w{3} \d+ [\d:]+ [-+]\d+"))
@example(said="Thu, 01 Jan 2026 00:05:00 +99999999999999999999999")
@example(said="01 Jan 2026 00:05:00 " + "9" * 5000)
def test_whatever_it_says_it_is_a_time_or_nothing(said: str) -> None:
    """W08"""
    seconds = retry_after_s(said, at=AT)

    assert seconds is None or 0 <= seconds <= FARTHEST_S
    assert seconds is None or math.isfinite(seconds)


@pytest.mark.parametrize(
    ("status", "said", "wish"),
    [
        (500, "abort-message", "abort-message"),
        (500, " Abort-Message ", "abort-message"),
        (500, "disable", "disable"),
        (200, "disable", "disable"),  # it has this one, and wants no other
        (200, "abort-message", None),  # there is nothing left to give up
        (410, None, "gone"),
        (410, "abort-message", "gone"),
        (410, "disable", "disable"),
        (500, "retry", None),
        (500, "disable, abort-message", None),
        (404, None, None),
        (429, None, None),
    ],
)
def test_a_receiver_may_want_no_more(status: int, said: str | None, wish: str | None) -> None:
    """W09"""
    assert wish_of(status, {} if said is None else {"webhook-delivery": said}) == wish
