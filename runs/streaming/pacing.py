"""When to look at which run: at once when it moves, but nobody is told of one run more often than once a second."""

from collections.abc import Iterable
from uuid import UUID

SECONDS_BETWEEN = 1.0


class Pacing:
    """The runs that have moved since they were told of. Times are seconds of whatever clock the caller reads."""

    def __init__(self) -> None:
        self._due: dict[UUID, float] = {}
        self._told_at: dict[UUID, float] = {}  # within the last second, the earliest first

    def moved(self, run_ids: Iterable[UUID], now: float) -> None:
        """These runs are due now, or a second after they were told of last."""
        for run_id in run_ids:
            if run_id not in self._due:
                told_at = self._told_at.get(run_id)
                self._due[run_id] = now if told_at is None else max(now, told_at + SECONDS_BETWEEN)

    def told(self, run_ids: Iterable[UUID], now: float) -> None:
        """These runs have just been told of; those whose second is over are forgotten."""
        for run_id in run_ids:
            self._told_at.pop(run_id, None)
            self._told_at[run_id] = now
        while self._told_at and now - next(iter(self._told_at.values())) >= SECONDS_BETWEEN:
            del self._told_at[next(iter(self._told_at))]

    def take(self, now: float, *, at_most: int) -> list[UUID]:
        """The runs that are due, the longest due ones first; they are due no more."""
        due = sorted((at, run_id) for run_id, at in self._due.items() if at <= now)[:at_most]
        for _, run_id in due:
            del self._due[run_id]
        return [run_id for _, run_id in due]

    @property
    def next_due_at(self) -> float:
        """When the first of them is due; never, if none is."""
        return min(self._due.values(), default=float("inf"))
