"""Primary keys: UUID version 7, made here so that rows of one table lie in the order they were made."""

import random
import time
from uuid import UUID


def uuid7() -> UUID:
    """A new time-ordered UUID (48 bits of milliseconds, 12 bits of their 4096th parts, 62 random bits)."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    # Finer than one is made: the rows of a batch keep their order, too.
    high = (milliseconds << 16) | 0x7000 | (rest * 4096 // 1_000_000)
    # Unique, not secret; the generator is seeded anew in a forked child. A call of the system for each row costs more.
    low = (0b10 << 62) | random.getrandbits(62)
    return UUID(int=(high << 64) | low)
