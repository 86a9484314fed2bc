"""What the matrix came to: lines for whoever waits, and docs/crash-matrix.md."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.processes import machine
from tests.crash_matrix.lane import FAILED, Result

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "crash-matrix.md"

_HEADER = """# Crash matrix

Written by `make crash-matrix`; not by hand. {date}, {machine}.

A process is killed with SIGKILL when it passes a crash point for the n-th time, a fresh one is started, and the run must come
to its one ending: nothing lost or doubled by the runtime's own log, every invariant kept. Real observers (lease 3 s, sweep
1 s), real PostgreSQL, the stand-in MACP runtime over gRPC (the scenario `scripted`: the scripted one). "Seconds" are those of
the whole cell, from launch to the last clean-up. A place that one playing did not pass so often is "not reached": its first
time is a cell of its own.

What happens in each scenario is told in tests/crash_matrix/stories.
{labels} labels, {cells} cells: {outcomes}.

| scenario | label | n | process killed | seed | ending | recovery | result | seconds |
|---|---|---|---|---|---|---|---|---|
"""


def outcomes(results: Sequence[Result]) -> str:
    """How many cells came to what."""
    counted = Counter(result.outcome for result in results)
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(counted.items()))


def line(result: Result) -> str:
    """One cell in one line."""
    return f"{result.outcome:11} {result.seconds:5.1f} s  {result.cell}: {result.endings}"


def failures(results: Sequence[Result]) -> list[str]:
    """Every failed cell with what did not hold and what its processes said last."""
    told = []
    for result in results:
        if result.outcome == FAILED:
            told += [f"FAILED {result.cell}", *(f"  {fault}" for fault in result.faults), result.last_words]
    return told


def write_document(results: Sequence[Result]) -> None:
    """docs/crash-matrix.md shows these results."""
    labels = {result.cell.place.label for result in results}
    header = _HEADER.format(
        date=datetime.now(UTC).strftime("%-d %B %Y"),
        machine=machine(),
        labels=len(labels),
        cells=len(results),
        outcomes=outcomes(results),
    )
    DOCUMENT.write_text(header + "".join(map(_row, results)))


def _row(result: Result) -> str:
    cell = result.cell
    shown = (
        *(cell.place.scenario, cell.place.label, cell.nth, cell.place.role, cell.seed),
        *(result.endings, result.recovery, result.outcome, f"{result.seconds:.1f}"),
    )
    return f"| {' | '.join(map(str, shown))} |\n"
