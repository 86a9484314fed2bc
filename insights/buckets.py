"""The runs of a window, counted for each bucket of time in which they were created."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from insights.counting import counted
from insights.window import Window
from runs.domain.lifecycle import TERMINAL, RunStatus

WAITING = (RunStatus.QUEUED, RunStatus.STARTING, RunStatus.BINDING_SESSION)

# Buckets begin at multiples of their length, counted from this moment. Numbers are added as doubles, which is exact up to
# 2^53 and much faster than the numeric that bigints become; date_part, unlike extract, is no numeric either.
_BEGINS = "date_bin(%s, {}, timestamptz '2000-01-01 00:00+00')"
_DURATION_MS = "date_part('epoch', ended_at - created_at) * 1000"

_COUNTS = f"""
SELECT {_BEGINS.format("created_at")}, status, count(*), coalesce(sum(signal_count::float8), 0),
       coalesce(sum(total_tokens::float8), 0), coalesce(sum(cost_micro_usd::float8), 0),
       coalesce(sum(outcome::float8), 0), coalesce(sum({_DURATION_MS}), 0)
  FROM picked LEFT JOIN runs_projection ON run_id = picked.id GROUP BY 1, 2
"""  # noqa: S608 - our own words
_PERCENTILES = f"""
SELECT {_BEGINS.format("created_at")}, percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY {_DURATION_MS})
  FROM picked WHERE ended_at IS NOT NULL GROUP BY 1
"""  # noqa: S608
_ENDED = f"SELECT {_BEGINS.format('ended_at')}, count(*) FROM picked WHERE ended_at >= %s AND ended_at < %s GROUP BY 1"  # noqa: S608


@dataclass(slots=True)
class Bucket:
    """What was counted of the runs created in one bucket; durations are those of the ended ones, in milliseconds."""

    begins: datetime
    runs: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # by status
    signals: int = 0
    tokens: int = 0
    cost_micro_usd: int = 0
    outcome: int = 0  # positive decisions less negative ones
    duration_ms: float = 0  # of all ended runs together
    percentiles: tuple[float, ...] = (0, 0, 0)  # the 50th, 95th and 99th
    ended_in_it: int = 0  # runs of the window, whenever they were created

    @property
    def created(self) -> int:
        """How many runs were created in it."""
        return sum(self.runs.values())

    @property
    def ended(self) -> int:
        """How many of these have ended."""
        return sum(self.runs[status] for status in TERMINAL)

    @property
    def waiting(self) -> int:
        """How many of these are not yet running."""
        return sum(self.runs[status] for status in WAITING)


def count_buckets(project_id: UUID, window: Window) -> list[Bucket]:
    """Every bucket of the window in order, those in which nothing happened among them."""
    buckets = {begins: Bucket(begins) for begins in window.buckets()}
    _count(project_id, window, buckets)
    for begins, percentiles in counted(_Percentiles, project_id, window, _PERCENTILES, window.step):
        buckets[begins].percentiles = tuple(percentiles)
    for begins, runs in counted(_Ended, project_id, window, _ENDED, window.step, window.start, window.end):
        buckets[begins].ended_in_it = runs
    return list(buckets.values())


def _count(project_id: UUID, window: Window, buckets: Mapping[datetime, Bucket]) -> None:
    for row in counted(_Counts, project_id, window, _COUNTS, window.step):
        bucket = buckets[row.begins]
        bucket.runs[row.status] += row.runs
        bucket.signals += round(row.signals)
        bucket.tokens += round(row.tokens)
        bucket.cost_micro_usd += round(row.cost_micro_usd)
        bucket.outcome += round(row.outcome)
        bucket.duration_ms += row.duration_ms


class _Counts(NamedTuple):
    begins: datetime
    status: str
    runs: int
    signals: float
    tokens: float
    cost_micro_usd: float
    outcome: float
    duration_ms: float


class _Percentiles(NamedTuple):
    begins: datetime
    percentiles: list[float]


class _Ended(NamedTuple):
    begins: datetime
    runs: int
