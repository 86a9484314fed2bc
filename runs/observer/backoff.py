"""Waiting longer after each failure, never in step with others."""

import asyncio
import random


def delay(attempt: int, *, base_ms: int, max_ms: int) -> float:
    """Seconds before attempt `attempt` (0, 1, 2 ...): min(base * 2^n, max) and up to 20 % more."""
    milliseconds = min(base_ms * (1 << min(attempt, 30)), max_ms)
    return milliseconds / 1000 * (1 + random.random() / 5)  # noqa: S311 - jitter, not a secret


async def pause(attempt: int, *, base_ms: int, max_ms: int) -> None:
    """The delay before attempt `attempt` has passed."""
    await asyncio.sleep(delay(attempt, base_ms=base_ms, max_ms=max_ms))
