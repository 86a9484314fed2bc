"""The pauses between the lives of a child."""

from hypothesis import given
from hypothesis import strategies as st

from config.backoff import FIRST_S, FORGIVEN_AFTER_S, LONGEST_S, Backoff


def test_pauses_double_from_half_a_second_to_thirty() -> None:
    backoff = Backoff()
    assert [backoff.after_life_of(0.0) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_child_that_lived_for_thirty_seconds_begins_again() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.after_life_of(0.0)
    assert backoff.after_life_of(FORGIVEN_AFTER_S) == FIRST_S
    assert backoff.after_life_of(0.0) == 2 * FIRST_S


@given(st.lists(st.floats(min_value=0, max_value=1000)))
def test_no_pause_is_shorter_than_the_first_or_longer_than_the_longest(lives: list[float]) -> None:
    backoff = Backoff()
    assert all(FIRST_S <= backoff.after_life_of(life) <= LONGEST_S for life in lives)
