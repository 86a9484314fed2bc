"""An answer that may be a few seconds old, for what is asked often and costly to find out."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

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
