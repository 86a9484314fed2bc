"""Stand-in until the real one is merged: same interface."""

from collections.abc import Sequence

from webhooks.result import Result


def next_try(schedule_s: Sequence[int], *, tries: int, result: Result, jitter: float) -> float | None:
    if tries >= len(schedule_s):
        return None
    return schedule_s[tries] * (1 + 0.2 * jitter)
