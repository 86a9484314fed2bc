"""Which part of a log a replay shows, and at which pace."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.domain.replays import FASTEST, INSTANT, MODES, SLOWEST, STEP, TIMED, Part, Replay, part_of, pause_ms

THEN = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
times = st.datetimes(timezones=st.just(UTC))
speeds = st.floats(SLOWEST, FASTEST)
seqs = st.integers(1, 2**63 - 1)


def pause(passed_ms: float, *, mode: str = TIMED, speed: float = 1.0, longest_ms: int = 2_000) -> int:
    later = THEN + timedelta(milliseconds=passed_ms)
    return pause_ms(Replay(mode=mode, speed=speed), THEN, later, longest_ms=longest_ms)


@given(times, times, st.sampled_from(MODES), speeds, st.integers(0, 10**9))
def test_no_pause_is_negative_or_longer_than_allowed(
    earlier: datetime, later: datetime, mode: str, speed: float, longest_ms: int
) -> None:
    assert 0 <= pause_ms(Replay(mode=mode, speed=speed), earlier, later, longest_ms=longest_ms) <= longest_ms


@given(times, times, speeds, speeds)
def test_a_faster_replay_never_waits_longer(earlier: datetime, later: datetime, one: float, other: float) -> None:
    slow, fast = sorted((one, other))
    slowly, quickly = (pause_ms(Replay(speed=speed), earlier, later, longest_ms=10**9) for speed in (slow, fast))
    assert quickly <= slowly


@pytest.mark.parametrize(
    ("passed_ms", "speed", "expected"),
    [
        (150, 1.0, 150),
        (150, 0.1, 1_500),
        (150, 4.0, 38),
        (1_999, 1.0, 1_999),
        (2_001, 1.0, 2_000),
        (86_400_000, 1_000.0, 2_000),
        (0, 1.0, 0),
        (-5, 1.0, 0),
    ],
)
def test_a_timed_replay_waits_as_long_as_it_took_divided_by_the_speed(
    passed_ms: float, speed: float, expected: int
) -> None:
    assert pause(passed_ms, speed=speed) == expected


@pytest.mark.parametrize("mode", [INSTANT, STEP])
def test_the_other_modes_never_wait(mode: str) -> None:
    assert pause(500, mode=mode) == 0


def test_without_a_range_everything_is_shown() -> None:
    assert part_of(Replay(), last_seq=9, seen=0) == Part(0, 9)


def test_a_range_includes_both_its_ends() -> None:
    assert part_of(Replay(from_seq=3, to_seq=5), last_seq=9, seen=0) == Part(2, 5)
    assert part_of(Replay(from_seq=5, to_seq=5), last_seq=9, seen=0) == Part(4, 5)


def test_a_range_ends_with_the_log() -> None:
    assert part_of(Replay(from_seq=3, to_seq=99), last_seq=9, seen=0) == Part(2, 9)


def test_what_was_seen_is_not_shown_again_and_what_was_not_asked_for_is_not_shown() -> None:
    assert part_of(Replay(from_seq=3), last_seq=9, seen=7) == Part(7, 9)
    assert part_of(Replay(from_seq=3), last_seq=9, seen=1) == Part(2, 9)


@given(st.none() | seqs, st.none() | seqs, st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_a_part_is_empty_exactly_when_no_event_is_left(
    from_seq: int | None, to_seq: int | None, last_seq: int, seen: int
) -> None:
    part = part_of(Replay(from_seq=from_seq, to_seq=to_seq), last_seq=last_seq, seen=seen)
    first, last = max(from_seq or 1, seen + 1), min(to_seq or last_seq, last_seq)
    assert part.is_empty == (first > last)
    assert part.is_empty or (part.after + 1, part.last) == (first, last)
