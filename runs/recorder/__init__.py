"""The recorder: the one transaction in which what happened to a run becomes rows.

    lock the run row -> known source ids -> raw observations -> normalise -> number -> fold -> one UPDATE -> outbox -> COMMIT
    -> nudge, and a call of the queue

Everything commits together or not at all. Nothing after COMMIT carries data.
"""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db import transaction

from runs import hub
from runs.crashpoint import committing
from runs.domain.events import Draft, Observation
from runs.models import Run
from runs.recorder.late import quarantine
from runs.recorder.refused import is_about_content, unstorable
from runs.recorder.writer import Recorded, RunWriter

log = logging.getLogger("signalbox.recorder")

__all__ = ["Recorded", "RunWriter", "quarantine", "record", "writing"]


@contextlib.contextmanager
def writing(run_id: UUID, *, epoch: int | None, step: str = "record") -> Iterator[RunWriter]:
    """One transaction on one run: append to the writer; at the end everything is stored, whoever watches
    is nudged, and the queue is called to read the outbox.

    `epoch` is the owner's lease epoch, or None for writers that own nothing. Raises RunNotFound, Fenced or RunEnded
    before anything is written; an exception inside leaves nothing behind. `step` names its crash points.
    """
    with transaction.atomic():
        writer = RunWriter(Run.objects.lock(run_id, epoch=epoch))
        yield writer
        writer.flush()
        hub.nudge(run_id)
        if writer.has_events:
            hub.call_queue()
        transaction.on_commit(writer.count, robust=True)  # what is committed does not fail for a figure
        committing(step)


def record(run_id: UUID, batch: Sequence[Observation | Draft], *, epoch: int | None) -> Recorded:
    """Append what happened to a run, and everything that follows from it, or nothing.

    Safe to repeat: an observation that was already recorded adds nothing. An observation whose rows the database refuses
    does not stop the others: then they are recorded one by one, and of that one only the bytes are kept.
    """
    try:
        return _record(run_id, batch, epoch=epoch)
    except Exception as error:
        if not is_about_content(error) or all(isinstance(item, Draft) for item in batch):
            raise
        log.exception("a batch of run %s cannot be stored; recording it one by one", run_id)
    return [_record_one(run_id, item, epoch=epoch) for item in batch][-1]


def _record(run_id: UUID, batch: Sequence[Observation | Draft], *, epoch: int | None) -> Recorded:
    with writing(run_id, epoch=epoch) as writer:
        writer.append(batch)
    return writer.recorded()


def _record_one(run_id: UUID, item: Observation | Draft, *, epoch: int | None) -> Recorded:
    try:
        return _record(run_id, [item], epoch=epoch)
    except Exception as error:
        if not is_about_content(error) or isinstance(item, Draft):
            raise
        log.exception("an observation of run %s is kept as bytes alone", run_id)
        return _record(run_id, [unstorable(item)], epoch=epoch)
