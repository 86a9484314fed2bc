"""The command line of the matrix; `--help` says how."""

import argparse
import multiprocessing
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from typing import TypeVar

from tests.crash_matrix.stage import Stage, stage  # isort: skip  # First: it sets Django up.

from runs.management.progress import Progress
from tests.crash_matrix import labels, report
from tests.crash_matrix.cells import Cell, Place, Recorded, every_cell, one_cell_for_each_label
from tests.crash_matrix.lane import FAILED, Recording, Result, play_cell, record, unreached
from tests.crash_matrix.stories import STORIES

T = TypeVar("T")


def main() -> None:
    """Plays what is asked for; exits 1 if a cell failed or a label has none."""
    wanted = _wanted()
    with (
        stage() as where,
        ProcessPoolExecutor(wanted.lanes, mp_context=multiprocessing.get_context("spawn")) as lanes,
    ):
        playings = [(scenario, wanted.seed[0], where) for scenario in wanted.scenario or STORIES]
        recordings = _each(lanes, record, playings, "recording")
        if faults := [fault for recording in recordings for fault in recording.faults]:
            sys.exit("\n".join(faults))
        recorded = sum((recording.passed for recording in recordings), Counter[Place]())
        if wanted.write_labels:
            labels.write(recorded)
            return
        known, last = labels.known_to_the_source(), labels.recorded_last()
        faults = [] if wanted.scenario else labels.faults_of(recorded, known=known, last=last)
        chosen = _cells(wanted, recordings, recorded)
        results = _results(lanes, where, chosen)
        results += _results(lanes, where, unreached(results))
    faults += [f"{cell.place.label} was not reached, not even at a second attempt" for cell in unreached(results)]
    print(*map(report.line, results), *report.failures(results), *faults, sep="\n")
    print(f"{len({cell.place.label for cell in chosen})} labels, {len(results)} cells: {report.outcomes(results)}")
    if wanted.write:
        report.write_document(results)
    sys.exit(bool(faults) or any(result.outcome == FAILED for result in results))


def _wanted() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kill a process at every crash point of every path of a run.")
    parser.add_argument("--short", action="store_true", help="each label once")
    parser.add_argument("--lanes", type=int, default=4, help="cells at once (default: %(default)s)")
    parser.add_argument("--seed", type=int, action="append", help="default: 1; may be given more than once")
    parser.add_argument("--scenario", action="append", choices=list(STORIES), help="these alone")
    parser.add_argument("--label", action="append", help="these alone, such as ending.before_commit")
    parser.add_argument("--write", action="store_true", help=f"write {report.DOCUMENT.name}")
    parser.add_argument("--write-labels", action="store_true", help="record only, and write labels.txt")
    wanted = parser.parse_args()
    wanted.seed = wanted.seed or [1]
    return wanted


def _cells(wanted: argparse.Namespace, recordings: Sequence[Recording], recorded: Recorded) -> list[Cell]:
    if wanted.short:
        seconds = {recording.scenario: recording.seconds for recording in recordings}
        cells = one_cell_for_each_label(recorded, seconds, wanted.seed[0])
    else:
        cells = every_cell(recorded, wanted.seed)
    return [cell for cell in cells if not wanted.label or cell.place.label in wanted.label]


def _results(lanes: ProcessPoolExecutor, where: Stage, cells: Sequence[Cell]) -> list[Result]:
    """One result for each cell, in their order."""
    results = {result.cell: result for result in _each(lanes, play_cell, [(cell, where) for cell in cells], "cells")}
    return [results[cell] for cell in cells]


def _each(
    lanes: ProcessPoolExecutor, work: Callable[..., T], calls: Iterable[tuple[object, ...]], what: str
) -> list[T]:
    futures: list[Future[T]] = [lanes.submit(work, *call) for call in calls]
    with Progress(what) as progress:
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            progress.at(done, len(futures))
    return [future.result() for future in futures]


if __name__ == "__main__":
    main()
