"""When a delivery is tried again: the schedule, its spread, and what a receiver may have a say in (W08, W09)."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.backoff import next_try
from webhooks.result import Result

SCHEDULE = (0, 5, 30, 300, 1800, 7200, 21600, 43200, 86400, 108_000)
FAILED = Result(10, status=500, reason="status")
SILENT = Result(10, reason="timed_out")
HOUR = 3600

RESULTS = st.builds(
    Result,
    duration_ms=st.just(1),
    status=st.none() | st.sampled_from([200, 204, 302, 400, 404, 410, 429, 500, 502, 503, 504]),
    reason=st.sampled_from(["status", "timed_out", "unreachable", "broken", "address_refused"]),
    retry_after_s=st.none() | st.floats(min_value=0, allow_nan=False, allow_infinity=True),
    wish=st.sampled_from([None, None, "gone", "disable", "abort-message"]),
)


def after(tries: int, result: Result, jitter: float = 0.0) -> float | None:
    return next_try(SCHEDULE, tries=tries, result=result, jitter=jitter)


def asking(seconds: float, status: int = 503) -> Result:
    return Result(10, status=status, reason="status", retry_after_s=seconds)


def test_the_schedule_is_followed_and_comes_to_an_end() -> None:
    assert [after(tries, FAILED) for tries in range(12)] == [*SCHEDULE, None, None]


def test_a_delay_is_spread_by_a_fifth_to_both_sides() -> None:
    assert [after(3, FAILED, jitter) for jitter in (-1, 0, 0.5, 1)] == [240, 300, 330, 360]


@pytest.mark.parametrize(
    "result",
    [
        Result(10, status=200),
        Result(10, status=410, reason="status", wish="gone"),
        Result(10, status=500, reason="status", wish="disable"),
        Result(10, status=500, reason="status", wish="abort-message"),
        Result(10, reason="address_refused"),
    ],
)
def test_what_arrived_and_what_is_of_no_use_is_not_tried_again(result: Result) -> None:
    """W09"""
    assert after(1, result) is None


@pytest.mark.parametrize("result", [SILENT, *(Result(1, status=status, reason="status") for status in (429, 502, 504))])
def test_a_receiver_with_too_much_to_do_has_a_minute(result: Result) -> None:
    """W09"""
    assert [after(tries, result) for tries in (1, 2, 3)] == [60, 60, 300]
    assert after(1, FAILED) == 5


@pytest.mark.parametrize(
    ("tries", "asked", "waited"),
    [
        (1, 0, 5),  # no sooner than the schedule says
        (1, 4, 5),
        (1, 90, 90),
        (1, HOUR, HOUR),
        (1, HOUR + 1, HOUR),
        (1, math.inf, HOUR),
        (5, HOUR, 7200),
        (5, 9000, 9000),
        (5, 14_400, 14_400),
        (5, 14_401, 14_400),  # beyond an hour: twice the delay
    ],
)
def test_a_receiver_may_put_it_off_within_bounds(tries: int, asked: float, waited: float) -> None:
    """W08"""
    assert after(tries, asking(asked)) == waited


def test_a_minute_is_the_least_even_if_less_is_asked_for() -> None:
    """W08"""
    assert after(1, asking(10, status=429)) == 60
    assert after(1, asking(90, status=429)) == 90


@given(
    schedule=st.lists(st.integers(0, 200_000), max_size=12),
    tries=st.integers(0, 13),
    result=RESULTS,
    jitter=st.floats(-1, 1),
)
def test_every_wait_lies_within_its_bounds(schedule: list[int], tries: int, result: Result, jitter: float) -> None:
    """W08"""
    wait = next_try(schedule, tries=tries, result=result, jitter=jitter)

    is_over = result.is_success or result.is_permanent or tries >= len(schedule)
    assert (wait is None) is is_over
    if wait is not None:
        delay = schedule[tries] * (1 + 0.2 * jitter)
        least = max(delay, 60) if result.status in (429, 502, 504) or result.reason == "timed_out" else delay
        most = max(least, max(2 * delay, HOUR) if result.retry_after_s is not None else delay)
        assert least <= wait <= most
