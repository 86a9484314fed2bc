"""Counter, Histogram, Gauge: what a metric is called, what its labels are, and how it is counted in this process."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from runs.metrics.tally import TALLY

LE, INFINITY = "le", "+Inf"


@dataclass(frozen=True, slots=True)
class Counter:
    """A number that only grows, summed over all processes that ever were."""

    name: str
    help: str
    labels: tuple[str, ...] = ()

    def add(self, *values: str) -> None:
        """One more with these values of the labels."""
        self.add_many(1, *values)

    def add_many(self, number: int, *values: str) -> None:
        """So many more with these values of the labels, at once."""
        TALLY.add(((self.name, values), float(number)))


@dataclass(frozen=True)
class Histogram:
    """How long something took, in seconds: a count for each bucket, and the sum."""

    name: str
    help: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...]

    def observe(self, seconds: float, *values: str) -> None:
        """It took so long with these values of the labels."""
        bound = self.bounds[bisect_left(self.buckets, seconds)]
        TALLY.add(((self.bucket_name, (*values, bound)), 1.0), ((self.sum_name, values), seconds))

    @cached_property
    def bounds(self) -> tuple[str, ...]:
        """The upper bounds of the buckets, the label `le`."""
        return (*map(repr, self.buckets), INFINITY)

    @cached_property
    def bucket_name(self) -> str:
        """Of the series that count one bucket each, without the ones below it."""
        return f"{self.name}_bucket"

    @cached_property
    def sum_name(self) -> str:
        """Of the series of sums."""
        return f"{self.name}_sum"


@dataclass(frozen=True, slots=True)
class Gauge:
    """How something stands in each living process: all of it together is the sum, or the worst."""

    name: str
    help: str
    together: Literal["sum", "worst"]
    value: Callable[[], float]  # in this process, now


Metric = Counter | Histogram | Gauge
