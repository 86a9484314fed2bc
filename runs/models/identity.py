"""Primary keys: UUID version 7, made here so that rows of one table lie in the order they were made."""

import os
import time
from uuid import UUID


def uuid7() -> UUID:
    """A new time-ordered UUID (48 bits of milliseconds, 12 bits of their 4096th parts, 62 random bits)."""
    random = int.from_bytes(os.urandom(8), "big")
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    # Finer than one is made: the rows of a batch keep their order, too.
    high = (milliseconds << 16) | 0x7000 | (rest * 4096 // 1_000_000)
    low = (0b10 << 62) | (random >> 2)
    return UUID(int=(high << 64) | low)
