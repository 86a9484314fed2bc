"""Pacing: a run is looked at when it moves, and nobody is told of one run twice within a second."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from runs.streaming.pacing import SECONDS_BETWEEN, Pacing

A, B, C = (UUID(int=number) for number in (1, 2, 3))


def test_a_run_that_moves_is_due_at_once_and_only_once() -> None:
    pacing = Pacing()
    pacing.moved([A, A], 10.0)
    pacing.moved([A], 10.2)

    assert pacing.next_due_at == 10.0
    assert pacing.take(10.2, at_most=5) == [A]
    assert pacing.take(10.2, at_most=5) == []
    assert pacing.next_due_at == float("inf")


def test_a_run_that_was_just_told_of_waits_for_its_second() -> None:
    pacing = Pacing()
    pacing.told([A], 10.0)
    pacing.moved([A, B], 10.4)

    assert pacing.take(10.9, at_most=5) == [B]
    assert pacing.next_due_at == 11.0
    assert pacing.take(11.0, at_most=5) == [A]


def test_the_longest_due_come_first_and_the_rest_stays_due() -> None:
    pacing = Pacing()
    pacing.moved([C], 1.0)
    pacing.moved([B], 2.0)
    pacing.moved([A], 3.0)

    assert pacing.take(9.0, at_most=2) == [C, B]
    assert pacing.take(9.0, at_most=2) == [A]


def test_runs_that_rest_are_forgotten() -> None:
    pacing = Pacing()
    pacing.told([A, B], 1.0)
    pacing.told([C], 1.0 + SECONDS_BETWEEN)

    assert list(pacing._told_at) == [C]


Steps = st.lists(st.tuples(st.sampled_from([A, B, C]), st.floats(0, 0.7)), max_size=60)


@given(Steps)
def test_no_run_is_told_of_twice_within_a_second_and_every_move_is_told_of(steps: list[tuple[UUID, float]]) -> None:
    pacing, now = Pacing(), 0.0
    moved_at: dict[UUID, float] = {}
    told_at: dict[UUID, float] = {}

    def look(until: float) -> None:
        while pacing.next_due_at <= until:
            at = pacing.next_due_at
            taken = pacing.take(at, at_most=9)
            for run_id in taken:
                assert at - told_at.get(run_id, -9.0) >= SECONDS_BETWEEN - 1e-9
                told_at[run_id] = at
            pacing.told(taken, at)

    for run_id, pause in steps:
        now += pause
        look(now)
        pacing.moved([run_id], now)
        moved_at[run_id] = now
    look(now + 2 * SECONDS_BETWEEN)

    assert all(told_at[run_id] >= at for run_id, at in moved_at.items())
