"""The recorder: the one transaction in which what happened to a run becomes rows.

    lock the run row -> known source ids -> raw observations -> normalise -> number -> fold -> one UPDATE -> outbox -> COMMIT
    -> nudge

Everything commits together or not at all. Nothing after COMMIT carries data.
"""

import contextlib
from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db import transaction

from runs import hub
from runs.domain.events import Draft, Observation
from runs.models import Run
from runs.recorder.late import quarantine
from runs.recorder.writer import Recorded, RunWriter

__all__ = ["Recorded", "RunWriter", "quarantine", "record", "writing"]


@contextlib.contextmanager
def writing(run_id: UUID, *, epoch: int | None) -> Iterator[RunWriter]:
    """One transaction on one run: append to the writer; at the end everything is stored and whoever watches is nudged.

    `epoch` is the owner's lease epoch, or None for writers that own nothing. Raises RunNotFound, Fenced or RunEnded
    before anything is written; an exception inside leaves nothing behind.
    """
    with transaction.atomic():
        writer = RunWriter(Run.objects.lock(run_id, epoch=epoch))
        yield writer
        writer.flush()
        hub.nudge(run_id)


def record(run_id: UUID, batch: Sequence[Observation | Draft], *, epoch: int | None) -> Recorded:
    """Append what happened to a run, and everything that follows from it, or nothing.

    Safe to repeat: an observation that was already recorded adds nothing.
    """
    with writing(run_id, epoch=epoch) as writer:
        writer.append(batch)
    return writer.recorded()
