"""Answers: what the runtime answered to something we sent is recorded, one answer after the other, as they came."""

from runs.bridge import rows
from runs.domain.outbound import OUTCOME_UNKNOWN
from runs.errors import RunEnded
from runs.models import OutboundMessage
from runs.observer.owned import OwnedRun
from runs.recorder import quarantine, writing
from runs.recorder.fates import fail_message, unsettled
from runs.runtimes.port import Sent, Session


async def take_answer(run: OwnedRun, session: Session, sent: Sent, *, message: OutboundMessage | None = None) -> None:
    """The answer is in the log with the adapter state that it brought, and what follows from it may be observed.

    `message` is what it answers, where that is one: it has its fate now. Call this as soon as the answer is there: the lock
    serves in the order of asking. Raises Fenced or RunEnded; an answer that comes after the ending is kept apart.
    """
    async with run.answers:
        try:
            await rows(_record, run, sent, message)
        except RunEnded:
            await rows(quarantine, run.id, [sent.observation])
            raise
        session.confirm(sent.adapter_state)


def _record(run: OwnedRun, sent: Sent, message: OutboundMessage | None) -> None:
    with writing(run.id, epoch=run.epoch, step="send.ack") as writer:
        events = writer.append([sent.observation])
        if not events and message is not None and (row := unsettled(writer, message.id)) is not None:
            # An answer that says nothing new about a message without a fate would have it sent for ever.
            error = "the runtime's answer tells nothing"
            fail_message(writer, row, code=OUTCOME_UNKNOWN, error=error, source_name="observer")
        if sent.adapter_state is not None:
            writer.change_session(adapter_state=sent.adapter_state)
