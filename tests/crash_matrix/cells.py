"""A cell: one story, one process in it, one crash point, which time it is passed, and the seed of everything else."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Of a place that is passed often the first few times: what happens at the hundredth beat happened at the third.
MOST_TIMES = 3
BEARABLE = 1.5


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process may be killed: the story and its process, and the label."""

    scenario: str
    role: str
    label: str


@dataclass(frozen=True, slots=True)
class Cell:
    """The process is killed when it passes the place for the n-th time."""

    place: Place
    nth: int
    seed: int

    def __str__(self) -> str:
        return f"{self.place.scenario}: {self.place.role} at {self.place.label}:{self.nth}, seed {self.seed}"


Recorded = Mapping[Place, int]  # how often each place was passed


def every_cell(recorded: Recorded, seeds: Sequence[int]) -> list[Cell]:
    """All places, the first times each is passed, under every seed."""
    return [
        Cell(place, nth, seed)
        for place, times in sorted(recorded.items(), key=lambda item: _order(item[0]))
        for nth in range(1, min(times, MOST_TIMES) + 1)
        for seed in seeds
    ]


def one_cell_for_each_label(recorded: Recorded, seconds: Mapping[str, float], seed: int) -> list[Cell]:
    """Each label once: the seed chooses the story, the process and the time.

    `seconds` tells how long each story takes. One that takes much longer than another that passes the label is not chosen.
    """
    chance = random.Random(seed)
    places: dict[str, list[Place]] = defaultdict(list)
    for place in sorted(recorded, key=_order):
        places[place.label].append(place)
    cells = []
    for label in sorted(places):
        quickest = min(seconds[place.scenario] for place in places[label])
        place = chance.choice([one for one in places[label] if seconds[one.scenario] <= quickest * BEARABLE])
        # Not the last time: another playing may pass the place once less.
        nth = chance.randint(1, max(1, min(recorded[place] - 1, MOST_TIMES)))
        cells.append(Cell(place, nth, seed))
    return cells


def _order(place: Place) -> tuple[str, str, str]:
    return place.scenario, place.role, place.label
