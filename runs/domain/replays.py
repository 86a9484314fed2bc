"""What a replay is asked to show, and at which pace. Pure: nobody waits in here, and nothing looks at a clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

INSTANT = "instant"
TIMED = "timed"
STEP = "step"
MODES = (INSTANT, TIMED, STEP)

SLOWEST = 0.1
FASTEST = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """How to show the events from `from_seq` to `to_seq`, both included; None stands for the first and the last."""

    mode: str = TIMED
    speed: float = 1.0  # how many times faster than it happened; matters to `timed` alone
    from_seq: int | None = None
    to_seq: int | None = None

    @property
    def is_backwards(self) -> bool:
        """True if the range ends before it begins."""
        return self.from_seq is not None and self.to_seq is not None and self.from_seq > self.to_seq


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a run's log: the events after `after`, up to and with `last`."""

    after: int
    last: int

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to show."""
        return self.after >= self.last


def part_of(replay: Replay, *, last_seq: int, seen: int) -> Part:
    """What is to be shown of a log that ends with `last_seq`, to somebody who has seen every event up to `seen`."""
    after = max(seen, (replay.from_seq or 1) - 1)
    return Part(after, last_seq if replay.to_seq is None else min(last_seq, replay.to_seq))


def pause_ms(replay: Replay, earlier: datetime, later: datetime, *, longest_ms: int) -> int:
    """How long to wait between two events that happened then; never below 0 nor above `longest_ms`."""
    if replay.mode != TIMED:
        return 0
    passed_ms = (later - earlier) / timedelta(milliseconds=1)
    return max(0, min(longest_ms, round(passed_ms / replay.speed)))
