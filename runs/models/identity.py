"""Primary keys: UUID version 7, made here so that rows of one table lie in the order they were made."""

import os
import time
from uuid import UUID


def uuid7() -> UUID:
    """A new time-ordered UUID (48 bits of milliseconds, 74 random bits)."""
    random = int.from_bytes(os.urandom(10), "big")
    milliseconds = time.time_ns() // 1_000_000
    high = (milliseconds << 16) | 0x7000 | (random >> 68)
    low = (0b10 << 62) | (random & ((1 << 62) - 1))
    return UUID(int=(high << 64) | low)
