"""Seats: how many streams each caller has open in this process, and no more than they may (STREAM_MAX_PER_CALLER)."""

import weakref
from collections import Counter, deque
from threading import Lock
from types import TracebackType
from typing import Self

from django.conf import settings

from runs.errors import RateLimited
from runs.streaming.admission import Principal


class Seat:
    """A caller's place for one stream: free again on leaving it, or when nobody holds it any more.

    The second is for a response that is never begun: its client has gone, and no code of the stream has run to leave.
    """

    def __init__(self, caller: str, left: "deque[str]") -> None:
        self._leave = weakref.finalize(self, left.append, caller)
        self._leave.atexit = False

    def leave(self) -> None:
        """The seat is free, however often this is called."""
        self._leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()


class Seats:
    """The seats of one process. Safe between threads.

    Whoever leaves only says so, and is counted when the next one comes: a seat may be let go by the garbage collector,
    in any thread and between any two steps, where a lock could not be waited for.
    """

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()
        self._left: deque[str] = deque()
        self._lock = Lock()

    def take(self, caller: str, *, at_most: int) -> Seat:
        """One more seat for the caller. Raises RateLimited if they have as many as they may."""
        with self._lock:
            self._settle()
            if self._taken[caller] >= at_most:
                raise RateLimited(
                    f"{at_most} streams of this caller are open, and no more may be", details={"limit": at_most}
                )
            self._taken[caller] += 1
        return Seat(caller, self._left)

    def taken(self, caller: str) -> int:
        """How many seats the caller has now."""
        with self._lock:
            self._settle()
            return self._taken[caller]

    @property
    def open(self) -> int:
        """How many seats are taken now, whoever's they are."""
        with self._lock:
            self._settle()
            return self._taken.total()

    def _settle(self) -> None:
        while self._left:
            caller = self._left.popleft()
            self._taken[caller] -= 1
            if not self._taken[caller]:
                del self._taken[caller]


seats = Seats()


def seat(principal: Principal) -> Seat:
    """A seat in this process for one more stream of the caller, to be left by `with` or `leave`. Raises RateLimited."""
    return seats.take(principal.id, at_most=settings.STREAM_MAX_PER_CALLER)
