"""What a query string asks of a stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.errors import CursorAhead, ValidationFailed
from runs.streaming.standing import Standing
from runs.streaming.subscription import Subscription, subscription_from


def _faults(query: dict[str, str], last_event_id: str | None = None) -> list[str]:
    with pytest.raises(ValidationFailed) as caught:
        subscription_from(query, last_event_id)
    return [fault.path for fault in caught.value.faults]


def test_without_parameters_the_settings_decide_a05() -> None:
    assert subscription_from({}) == Subscription(None, True, 15_000, 2_000)


def test_unknown_parameters_are_ignored() -> None:
    assert subscription_from({"ticket": "t", "_": "1"}) == subscription_from({})


@given(st.integers(0, 10**17), st.integers(0, 10**17))
def test_of_two_cursors_the_greater_wins(after: int, last: int) -> None:
    assert subscription_from({"afterSeq": str(after)}, str(last)).after == max(after, last)
    assert subscription_from({"afterSeq": str(after)}, "").after == after
    assert subscription_from({}, str(last)).after == last


@pytest.mark.parametrize(
    ("query", "path"),
    [
        *[({"afterSeq": value}, "afterSeq") for value in ("-1", "", "1.0", "x", "٣", "1" * 5_000, " 1")],
        *[({"heartbeatMs": value}, "heartbeatMs") for value in ("999", "300001", "0", "x", "")],
        *[({"snapshotMs": value}, "snapshotMs") for value in ("1", "499", "60001", "-1", "x")],
        *[({"includeSnapshot": value}, "includeSnapshot") for value in ("yes", "", "2")],
    ],
)
def test_a_value_out_of_bounds_is_a_fault_with_its_path(query: dict[str, str], path: str) -> None:
    assert _faults(query) == [path]


def test_every_fault_is_listed() -> None:
    assert _faults({"afterSeq": "x", "heartbeatMs": "1", "snapshotMs": "1", "includeSnapshot": "x"}, "e-1") == [
        "afterSeq",
        "Last-Event-ID",
        "includeSnapshot",
        "heartbeatMs",
        "snapshotMs",
    ]


@pytest.mark.parametrize(("value", "expected"), [("TRUE", True), ("1", True), ("False", False), ("0", False)])
def test_booleans_are_read_in_any_case(value: str, expected: bool) -> None:
    assert subscription_from({"includeSnapshot": value}).include_snapshot is expected


def test_bounds_belong_to_the_range() -> None:
    assert subscription_from({"heartbeatMs": "1000", "snapshotMs": "0"}).snapshot_ms == 0
    assert subscription_from({"heartbeatMs": "300000", "snapshotMs": "500"}).heartbeat_ms == 300_000
    assert subscription_from({"snapshotMs": "60000"}).snapshot_ms == 60_000


def test_a_cursor_beyond_a_live_run_is_ahead_and_says_where_the_run_stands() -> None:
    live = Standing(last_seq=5, ending_seq=None)

    assert not live.has_nothing_after(None)
    assert not live.has_nothing_after(5)
    with pytest.raises(CursorAhead) as caught:
        live.has_nothing_after(6)
    assert caught.value.details == {"lastSeq": 5}


def test_after_the_ending_there_is_nothing() -> None:
    ended = Standing(last_seq=5, ending_seq=5)

    assert not ended.has_nothing_after(None)
    assert not ended.has_nothing_after(4)
    assert ended.has_nothing_after(5)
    assert ended.has_nothing_after(600)
