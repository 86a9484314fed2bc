"""A lane: one process of the matrix with a database of its own, in which cells are played one after the other."""

from tests.crash_matrix import stage  # isort: skip  # First: it sets Django up, which models need to be imported.

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import grpc

from tests.crash_matrix.cells import Cell, Place
from tests.crash_matrix.play import Broken, Play
from tests.crash_matrix.promises import broken_promises, ending_of, recovery_of
from tests.crash_matrix.stories import STORIES

PASSED, FAILED, NOT_REACHED = "passed", "FAILED", "not reached"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one cell: how its runs ended and were recovered, and what did not hold."""

    cell: Cell
    outcome: str
    endings: str
    recovery: str
    seconds: float
    faults: tuple[str, ...] = ()
    last_words: str = ""


def unreached(results: Sequence[Result]) -> list[Cell]:
    """One cell, with another seed, for each label at which no process was killed: another playing may pass it."""
    reached = {result.cell.place.label for result in results if result.outcome != NOT_REACHED}
    missed = {result.cell.place.label: result.cell for result in results if result.cell.place.label not in reached}
    return [replace(cell, nth=1, seed=cell.seed + 1) for cell in missed.values()]


def record(scenario: str, seed: int, where: stage.Stage) -> Counter[Place]:
    """How often each place is passed when the story is played and nobody dies. Raises Broken."""
    _enter(where)
    folder = Path(tempfile.mkdtemp(prefix="signalbox-matrix-"))
    try:
        with grpc.insecure_channel(where.runtime_address) as channel:
            play = Play(
                scenario=scenario,
                seed=seed,
                runtime_address=where.runtime_address,
                channel=channel,
                folder=folder,
                traces=True,
            )
            faults = _played(play, scenario)
            if faults:
                raise Broken(f"{scenario}, with nobody killed: {'; '.join(faults)}\n{play.last_words()}")
        return Counter(
            Place(scenario, trace.stem, label)
            for trace in folder.glob("*.trace")
            for label in trace.read_text().split()
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def play_cell(cell: Cell, where: stage.Stage) -> Result:
    """The story was played with its process killed where the cell says, and everything was checked."""
    _enter(where)
    scenario = cell.place.scenario
    folder = Path(tempfile.mkdtemp(prefix="signalbox-matrix-"))
    began = time.monotonic()
    try:
        with grpc.insecure_channel(where.runtime_address) as channel:
            play = Play(
                scenario=scenario,
                seed=cell.seed,
                runtime_address=where.runtime_address,
                channel=channel,
                folder=folder,
                cell=cell,
            )
            faults = _played(play, scenario)
            reached = play.died_at is not None
            outcome = FAILED if faults else PASSED if reached else NOT_REACHED
            return Result(
                cell,
                outcome,
                endings=", ".join(ending_of(one.run) for one in play.runs),
                recovery=", ".join(recovery_of(one.run) for one in play.runs),
                seconds=time.monotonic() - began,
                faults=tuple(faults),
                last_words=play.last_words() if faults else "",
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _played(play: Play, scenario: str) -> list[str]:
    """What did not hold."""
    stage.clear_lane()
    try:
        STORIES[scenario](play)
        play.see_it_die()
        faults = []
    except Broken as broken:
        faults = [str(broken)]
    finally:
        play.close()
    return faults + broken_promises(play.runs)


_ENTERED: list[bool] = []


def _enter(where: stage.Stage) -> None:
    if not _ENTERED:
        stage.enter_lane(where.database)
        _ENTERED.append(True)
