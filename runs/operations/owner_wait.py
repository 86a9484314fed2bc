"""Waiting for the owner of a run: what was ordered is a row, and so is the answer."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings

from runs.bridge import release_connection
from runs.errors import NoOwner, RuntimeTimedOut

T = TypeVar("T")

UNOWNED_SECONDS = 5.0  # without a living owner before nobody is waited for any more
SHORTEST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.2


def await_owner(
    answer: Callable[[], T | None], *, has_owner: Callable[[], bool], unowned_s: float = UNOWNED_SECONDS
) -> T:
    """What `answer` reads in the rows once the owner has answered there; exceptions come through unchanged.

    Raises NoOwner when `has_owner` has been false for `unowned_s` seconds, RuntimeTimedOut when the owner has not answered
    after RUNTIME_REQUEST_TIMEOUT_MS: what was ordered may still happen then. Both functions read rows, outside a transaction.
    """
    began = owned_at = ask_at = time.monotonic()
    pause = SHORTEST_PAUSE_SECONDS
    while (found := answer()) is None:
        now = time.monotonic()
        # Whether there is an owner changes seldom: asked at every turn it would be half of what many who wait cost.
        if now >= ask_at:
            ask_at = now + unowned_s / 5
            if has_owner():
                owned_at = now
            elif now - owned_at >= unowned_s:
                raise NoOwner
        if (now - began) * 1000 >= settings.RUNTIME_REQUEST_TIMEOUT_MS:
            raise RuntimeTimedOut("the owner of the run did not answer in time")
        release_connection()  # many may wait, and connections are few
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
    return found
