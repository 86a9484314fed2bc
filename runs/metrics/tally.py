"""Tally: what this process has counted and not yet handed over. Counting is an addition in memory and waits for nobody."""

import os
import weakref
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import RLock

# The name of a series of numbers and the values of its labels, in the order in which its metric names them.
Series = tuple[str, tuple[str, ...]]


class Tally:
    """Sums of one process. Safe between threads; a forked child begins with nothing.

    The lock may be taken twice by one thread: the garbage collector may end a call that is then counted, between any two
    steps of somebody who counts.
    """

    def __init__(self) -> None:
        self.reset()
        os.register_at_fork(after_in_child=self.reset)

    def reset(self) -> None:
        """Nothing is counted, and nobody holds the lock."""
        self._lock = RLock()
        self._sums: dict[Series, float] = {}

    def add(self, *counted: tuple[Series, float]) -> None:
        """The series have grown by so much, all of them at once."""
        with self._lock:
            for series, by in counted:
                self._sums[series] = self._sums.get(series, 0.0) + by

    def take(self) -> Mapping[Series, float]:
        """Everything counted since the last time; it is no longer here."""
        fresh: dict[Series, float] = {}
        with self._lock:
            taken, self._sums = self._sums, fresh
        return taken


class Held:
    """How many of something there are in this process now. Who comes and goes only says so, and waits for no lock."""

    def __init__(self) -> None:
        self.reset()
        os.register_at_fork(after_in_child=self.reset)

    def reset(self) -> None:
        """There are none."""
        self._lock = RLock()
        self._number = 0
        self._moves: deque[int] = deque()

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """One more, as long as the block lasts."""
        self._moves.append(1)
        try:
            yield
        finally:
            self._moves.append(-1)

    def value(self) -> float:
        """So many."""
        with self._lock:
            while self._moves:
                self._number += self._moves.popleft()
            return float(self._number)


class Worst:
    """The highest level of all that have one and still exist in this process."""

    def __init__(self) -> None:
        self.reset()
        os.register_at_fork(after_in_child=self.reset)

    def reset(self) -> None:
        """Nothing has a level."""
        self._lock = RLock()
        self._levels: weakref.WeakKeyDictionary[object, float] = weakref.WeakKeyDictionary()

    def put(self, owner: object, level: float) -> None:
        """The owner is at this level, until it is put at another or is no more."""
        with self._lock:
            self._levels[owner] = level

    def value(self) -> float:
        """The highest level; 0 if there is none."""
        with self._lock:
            return max(self._levels.values(), default=0.0)


TALLY = Tally()
