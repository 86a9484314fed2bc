"""Bars over time, as numbers for an inline SVG: no script draws them, so they are there with the page."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from insights.standing import Recent
from runs.domain.lifecycle import RunStatus

WIDTH, HEIGHT, GAP = 480, 96, 2
STACKED = (RunStatus.COMPLETED, RunStatus.CANCELLED, RunStatus.FAILED)  # from the ground up


@dataclass(frozen=True, slots=True)
class Block:
    """One colour of one bar."""

    status: str
    x: float
    y: float
    width: float
    height: float
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything the drawing needs, and what it says to whoever cannot see it."""

    blocks: list[Block]
    peak: int
    begins: datetime
    words: str
    width: int = WIDTH
    height: int = HEIGHT


def ended_chart(recent: Recent, unit: str) -> Chart:
    """How many runs ended in each stretch of time, one colour for each status they ended in."""
    counts: dict[datetime, dict[str, int]] = {}
    for group in recent.ended:
        bar = counts.setdefault(group.begins, {})
        bar[group.status] = bar.get(group.status, 0) + group.runs
    peak = max((sum(bar.values()) for bar in counts.values()), default=0)
    blocks = list(_blocks(recent, counts, peak, unit))
    return Chart(blocks, peak, recent.start, f"{recent.total} runs ended, at most {peak} in {unit}")


def _blocks(recent: Recent, counts: dict[datetime, dict[str, int]], peak: int, unit: str) -> Iterator[Block]:
    number = int((recent.end - recent.start) / recent.step) + 1  # the first bar begins before the window
    width = WIDTH / number
    for begins, bar in counts.items():
        place = number - 1 - int((recent.end - begins) / recent.step)
        ground = float(HEIGHT)
        for status in STACKED:
            if not (runs := bar.get(status, 0)):
                continue
            height = max(runs / peak * HEIGHT, 1.5)  # one of a thousand is seen, too
            ground -= height
            words = f"{begins:%H:%M}: {runs} {status} in {unit}"
            yield Block(
                status, round(place * width, 2), round(ground, 2), round(width - GAP, 2), round(height, 2), words
            )
