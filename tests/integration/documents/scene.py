"""A run that has something to show."""

from collections.abc import Sequence

from runs.domain.endings import EndingCode, Verdict
from runs.domain.events import Observation
from runs.domain.lifecycle import RunStatus
from runs.ending import end_run
from runs.models import Run
from runs.recorder import record
from tests.cast import ack, envelope, fresh, queued_message, running_run


def told(story: Sequence[Observation]) -> Run:
    """A run that has heard the story, was contradicted, sent a message, and has ended."""
    run = running_run(tags=["a"], source_ref="pack/one", error_message=None)
    message = queued_message(run)
    record(run.id, [ack(str(message.message_id)), *story], epoch=None)
    record(run.id, [envelope("twice", text="one"), envelope("twice", text="another")], epoch=None)
    end_run(run.id, Verdict(code=EndingCode.RUN_TIMEOUT), epoch=run.lease_epoch)
    ended = fresh(run)
    assert ended.status == RunStatus.FAILED
    return ended
