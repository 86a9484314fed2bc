"""Steering: the owner of a run carries out what was stored to be sent, in order, and records the runtime's own answer."""

import logging
from uuid import UUID

from django.conf import settings
from django.db.models import F

from runs.bridge import rows
from runs.domain.events import Draft, EventType
from runs.domain.outbound import outbound_data
from runs.domain.text import clean
from runs.errors import BreakerOpen, RuntimeFault, RuntimeTimedOut, RuntimeUnavailable
from runs.models import OutboundMessage
from runs.observer.backoff import pause
from runs.observer.owned import OwnedRun
from runs.recorder import writing
from runs.recorder.messages import facts_of
from runs.runtimes.port import Sent, Session

log = logging.getLogger("signalbox.steering")

BACKOFF_BASE_MS = 250
BACKOFF_MAX_MS = 5000


class NotDelivered(Exception):
    """A stored message was refused or could not be delivered; its fate is recorded."""

    def __init__(self, message: str, *, runtime_code: str | None = None) -> None:
        super().__init__(message)
        self.runtime_code = runtime_code


async def send_kickoff(run: OwnedRun, session: Session) -> None:
    """Every stored kickoff message is accepted, in order. Raises NotDelivered at the first that is not."""
    for message in await rows(_unsettled, run.id):
        await _deliver(run, session, message)


async def send_waiting(run: OwnedRun, session: Session) -> None:
    """Every message that waits to be sent has a fate, in order per sender; nothing to do where none waits."""


async def _deliver(run: OwnedRun, session: Session, message: OutboundMessage) -> None:
    sent = await _send(run, session, message)
    await rows(_record_ack, run, sent)
    session.confirm(sent.adapter_state)
    if not sent.ack.ok:
        error = sent.ack.error
        raise NotDelivered(
            f"{message.message_type} from {message.sender} was refused: {error.message if error else 'no reason given'}",
            runtime_code=error.code if error else None,
        )


async def _send(run: OwnedRun, session: Session, message: OutboundMessage) -> Sent:
    """The runtime's answer; an answer that was lost is asked for again with the same bytes under the same id."""
    attempt = 0
    while True:
        await rows(_claim, run, message)
        try:
            return await session.send(bytes(message.body or b""))
        except BreakerOpen:
            pass  # no attempt: nothing has left. Whether the runtime is away for too long, the subscription finds out
        except (RuntimeUnavailable, RuntimeTimedOut) as fault:
            failure: RuntimeFault = fault
            log.warning("%s from %s was not answered: %s", message.message_type, message.sender, fault)
            attempt += 1
            if attempt > settings.KICKOFF_MAX_RETRIES:
                break
        except RuntimeFault as refusal:
            failure = refusal
            break
        await pause(max(attempt - 1, 0), base_ms=BACKOFF_BASE_MS, max_ms=BACKOFF_MAX_MS)
    await rows(_record_failure, run, message, failure)
    raise NotDelivered(
        f"{message.message_type} from {message.sender} could not be delivered: {failure.message}",
        runtime_code=failure.runtime_code or None,
    )


def _unsettled(run_id: UUID) -> list[OutboundMessage]:
    return list(OutboundMessage.objects.filter(run_id=run_id, status__in=["queued", "sent"]).order_by("position"))


def _claim(run: OwnedRun, message: OutboundMessage) -> None:
    # Known before the bytes leave: whoever takes over sees that this message may have been sent. A former owner sends none.
    with writing(run.id, epoch=run.epoch, step="send.claim"):
        OutboundMessage.objects.filter(id=message.id).update(attempt=F("attempt") + 1, claimed_epoch=run.epoch)


def _record_ack(run: OwnedRun, sent: Sent) -> None:
    with writing(run.id, epoch=run.epoch, step="send.ack") as writer:
        writer.append([sent.observation])
        if sent.adapter_state is not None:
            writer.change_session(adapter_state=sent.adapter_state)


def _record_failure(run: OwnedRun, message: OutboundMessage, failure: RuntimeFault) -> None:
    facts = facts_of(message, run.plan.session_id)
    data = outbound_data(facts, status="failed", previous=message.status)
    with writing(run.id, epoch=run.epoch, step="send.failure") as writer:
        shown = writer.context.redactor.redact_text
        data |= {"error": shown(clean(failure.message)), "errorCode": clean(failure.runtime_code or failure.code)}
        writer.append(
            [
                Draft(
                    type=EventType.MESSAGE_SEND_FAILED,
                    data=data,
                    subject_kind="message",
                    subject_id=str(message.message_id),
                )
            ]
        )
