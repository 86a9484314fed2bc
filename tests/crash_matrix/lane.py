"""A lane: one process of the matrix with a database of its own, in which cells are played one after the other."""

from tests.crash_matrix import stage  # isort: skip  # First: it sets Django up, which models need to be imported.

import contextlib
import shutil
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
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


@dataclass(frozen=True, slots=True)
class Recording:
    """A story in which nobody died: how often each place was passed, how long it took, and what did not hold."""

    scenario: str
    passed: Counter[Place]
    seconds: float
    faults: tuple[str, ...]


def record(scenario: str, seed: int, where: stage.Stage) -> Recording:
    """The story was played and nobody was killed but by the story itself."""
    began = time.monotonic()
    with _play(scenario, seed, where, traces=True) as play:
        faults = [f"{scenario}, with nobody killed: {fault}" for fault in _played(play, scenario)]
        return Recording(
            scenario,
            _passed(scenario, play.folder),
            seconds=time.monotonic() - began,
            faults=(*faults, play.last_words()) if faults else (),
        )


def _passed(scenario: str, folder: Path) -> Counter[Place]:
    """How often one process passed each place, at most: several may play one role, one after the other."""
    passed = Counter[Place]()
    for trace in folder.glob("*.trace"):
        role = trace.stem.rpartition(".")[0]
        passed |= Counter(Place(scenario, role, label) for label in trace.read_text().split())
    return passed


def play_cell(cell: Cell, where: stage.Stage) -> Result:
    """The story was played with its process killed where the cell says, and everything was checked."""
    began = time.monotonic()
    with _play(cell.place.scenario, cell.seed, where, cell=cell) as play:
        faults = _played(play, cell.place.scenario)
        reached = play.died_at is not None
        return Result(
            cell,
            outcome=FAILED if faults else PASSED if reached else NOT_REACHED,
            endings=", ".join(ending_of(one.run) for one in play.runs),
            recovery=", ".join(recovery_of(one.run) for one in play.runs),
            seconds=time.monotonic() - began,
            faults=tuple(faults),
            last_words=play.last_words() if faults else "",
        )


@contextlib.contextmanager
def _play(
    scenario: str, seed: int, where: stage.Stage, *, cell: Cell | None = None, traces: bool = False
) -> Iterator[Play]:
    """A playing of a story in this lane, which is empty; its folder is gone afterwards."""
    if not _ENTERED:
        stage.enter_lane(where.database)
        _ENTERED.append(True)
    stage.clear_lane()
    folder = Path(tempfile.mkdtemp(prefix="signalbox-matrix-"))
    address = where.runtime_address
    try:
        with grpc.insecure_channel(address) as channel:
            yield Play(
                scenario=scenario,
                seed=seed,
                runtime_address=address,
                channel=channel,
                folder=folder,
                cell=cell,
                traces=traces,
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _played(play: Play, scenario: str) -> list[str]:
    """What did not hold."""
    try:
        STORIES[scenario](play)
        play.see_it_die()
        faults = []
    except Broken as broken:
        faults = [str(broken)]
    except Exception:  # one cell costs the others nothing
        faults = [traceback.format_exc()]
    finally:
        play.close()
    return faults + broken_promises(play.runs)


_ENTERED: list[bool] = []
