"""The window of a tail: a gapless piece of the log within its bounds, whatever is added."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runs.streaming import window
from runs.streaming.frame import Frame
from runs.streaming.log import LogEntry
from runs.streaming.window import Budget, Window


def entry(seq: int, size: int) -> LogEntry:
    return LogEntry("message.received", Frame("canonical_event", b"x" * size, seq))


@given(
    sizes=st.lists(st.integers(0, 40), max_size=60),
    other=st.integers(0, 200),
    first=st.integers(1, 9),
    cursor=st.integers(0, 80),
)
@example(sizes=[0] * 12, other=0, first=1, cursor=10)  # bounded by their number alone
@example(sizes=[40] * 6, other=0, first=1, cursor=4)  # by their bytes
@example(sizes=[40] * 2, other=100, first=1, cursor=1)  # by what other windows hold
def test_what_is_in_the_window_is_a_gapless_piece_within_every_bound_c06(
    sizes: list[int], other: int, first: int, cursor: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window, "WINDOW_EVENTS", 8)
        patch.setattr(window, "WINDOW_BYTES", 100 * window.FORMS)
        budget = Budget(limit=150 * window.FORMS)
        budget.held = other * window.FORMS  # of other windows
        held = Window(budget)
        for place, size in enumerate(sizes):
            held.add(entry(first + place, size))
            assert len(held) <= 8
            assert held._bytes == window.FORMS * sum(len(one.document) for one in held._entries) <= 100 * window.FORMS
            assert budget.held == other * window.FORMS + held._bytes
            assert budget.held <= 150 * window.FORMS or not len(held)

        last = first + len(sizes) - 1
        found = held.after(cursor)
        if found is None:
            assert not len(held) or not last - len(held) <= cursor <= last
        else:
            assert [one.seq for one in found] == list(range(cursor + 1, last + 1))
        held.clear()
        assert (len(held), budget.held) == (0, other * window.FORMS)


def test_the_newest_entry_stays_unless_it_alone_is_too_large() -> None:
    held = Window(Budget())
    held.add(entry(1, window.WINDOW_BYTES // window.FORMS))
    assert [one.seq for one in held.after(0) or []] == [1]
    held.add(entry(2, window.WINDOW_BYTES // window.FORMS + 1))
    assert held.after(1) is None
