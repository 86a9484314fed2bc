"""The pace of a scripted session."""

from hypothesis import given
from hypothesis import strategies as st

from runs.runtimes.scripted.metronome import Metronome


def test_without_an_interval_everything_is_due() -> None:
    metronome = Metronome(0)
    metronome.beat(10)

    assert metronome.until_due(10) <= 0


def test_the_first_line_is_due_at_once_and_the_next_after_the_interval() -> None:
    metronome = Metronome(2)

    assert metronome.until_due(100) <= 0
    metronome.beat(100)
    assert metronome.until_due(101.5) == 0.5


@given(st.lists(st.floats(0, 0.9), min_size=1, max_size=50))
def test_delays_do_not_add_up(delays: list[float]) -> None:
    metronome = Metronome(1)
    metronome.beat(0)

    for number, delay in enumerate(delays, start=1):
        metronome.beat(number + delay)

    assert metronome.until_due(0) == len(delays) + 1


def test_after_a_rest_nothing_is_made_up_for() -> None:
    metronome = Metronome(1)
    metronome.beat(0)

    metronome.rest(100)

    assert metronome.until_due(100) == 1
