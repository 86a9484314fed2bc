"""An answer that may be a few seconds old, for what is asked often and costly to find out."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")


class Remembered(Generic[T]):
    """Calls `find` at most once in `seconds`, whoever asks; safe between threads."""

    def __init__(self, find: Callable[[], T], *, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._find = find
        self._seconds = seconds
        self._clock = clock
        self._lock = Lock()
        self._answer: tuple[float, T] | None = None

    def __call__(self) -> T:
        """The last answer, or a new one if that is too old."""
        with self._lock:
            if self._answer is None or self._clock() - self._answer[0] >= self._seconds:
                self._answer = self._clock(), self._find()
            return self._answer[1]

    def forget(self) -> None:
        """The next caller finds out anew."""
        with self._lock:
            self._answer = None


class RememberedEach(Generic[K, T]):
    """Calls `find` for one key at most once in `seconds`; of what is not there nothing is kept. Safe between threads.

    Of more than `at_most` keys the one that was found longest ago is forgotten.
    """

    def __init__(
        self,
        find: Callable[[K], T | None],
        *,
        seconds: float,
        at_most: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find = find
        self._seconds = seconds
        self._at_most = at_most
        self._clock = clock
        self._lock = Lock()
        self._answers: dict[K, tuple[float, T]] = {}

    def __call__(self, key: K) -> T | None:
        """The last answer, or a new one if that is too old; None if there is none."""
        asked_at = self._clock()  # before the question: an answer is as old as the moment it may speak of
        with self._lock:
            known = self._answers.get(key)
        if known is not None and asked_at - known[0] < self._seconds:
            return known[1]
        answer = self._find(key)
        self._keep(key, asked_at, answer)
        return answer

    def known(self, key: K) -> T | None:
        """The last answer, None if there is none or it is too old; nothing is found out."""
        with self._lock:
            known = self._answers.get(key)
        return known[1] if known is not None and self._clock() - known[0] < self._seconds else None

    def _keep(self, key: K, asked_at: float, answer: T | None) -> None:
        with self._lock:
            self._answers.pop(key, None)
            if answer is not None:
                self._answers[key] = asked_at, answer
            while len(self._answers) > self._at_most:
                del self._answers[next(iter(self._answers))]
