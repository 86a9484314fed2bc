"""Backoff: when a delivery that did not arrive is tried again."""

from collections.abc import Sequence

from webhooks.result import Result

SPREAD = 0.2
"""Of each delay, to both sides: what failed together does not come back together."""

PAUSE_S = 60.0
"""A receiver that has too much to do, or whose gateway has lost it, is not asked again sooner."""

LONGEST_WISH_S = 3600.0
"""A receiver may put the next try off for so long, or to twice the delay where that is longer."""

_OVERLOADED = (429, 502, 504)


def next_try(schedule_s: Sequence[int], *, tries: int, result: Result, jitter: float) -> float | None:
    """Seconds until the next automatic attempt after `tries` of them, None if there is none.

    `schedule_s` says how long before each attempt is waited, the first one included; `jitter` lies between -1 and 1.
    """
    if result.is_success or result.is_permanent or tries >= len(schedule_s):
        return None
    delay = schedule_s[tries] * (1 + SPREAD * jitter)
    wanted = delay if result.retry_after_s is None else result.retry_after_s
    wait = min(max(wanted, delay), max(2 * delay, LONGEST_WISH_S))
    return max(wait, PAUSE_S) if _is_overloaded(result) else wait


def _is_overloaded(result: Result) -> bool:
    return result.status in _OVERLOADED or result.reason == "timed_out"
