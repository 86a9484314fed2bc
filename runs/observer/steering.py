"""Steering: the owner of a run carries out what was stored to be sent, in order, and records the runtime's own answer."""

import asyncio
import logging
from uuid import UUID

from django.db.models import Min, QuerySet

from runs.bridge import rows
from runs.domain.outbound import FAILED, KICKOFF, OUTCOME_UNKNOWN, REJECTED
from runs.models import OutboundMessage
from runs.observer.delivery import NotDelivered, OutcomeUnknown, deliver
from runs.observer.owned import OwnedRun
from runs.runtimes.port import Session

__all__ = ["NotDelivered", "send_kickoff", "send_waiting"]

log = logging.getLogger("signalbox.steering")

SENDERS_AT_ONCE = 8
MESSAGES_AT_ONCE = 64  # of one sender in memory, with their bytes
# While a message is under way the rows are looked at again: what others say must not wait for it.
LOOK_AGAIN_SECONDS = 0.5


async def send_kickoff(run: OwnedRun, session: Session) -> None:
    """Every stored kickoff message has its fate, in order. Raises NotDelivered at the first that is refused or undeliverable,
    also where a former owner learnt that and had no time to say so.

    One that may have arrived, and that may not be sent again, is neither: the run goes on.
    """
    await rows(_require_delivered, run.id)
    for message in await rows(_kickoff, run.id):
        try:
            await deliver(run, session, message)
        except OutcomeUnknown as unknown:
            log.warning("run %s goes on without knowing: %s", run.id, unknown)
    await rows(_require_delivered, run.id)


async def send_waiting(run: OwnedRun, session: Session) -> None:
    """Every message that waits to be sent has a fate, in order per sender; none of them ends the run."""
    lanes: dict[str, asyncio.Task[None]] = {}
    async with asyncio.TaskGroup() as group:
        while True:
            for sender in await rows(_waiting_senders, run.id):
                if sender not in lanes and len(lanes) < SENDERS_AT_ONCE:
                    lanes[sender] = group.create_task(_send_in_order(run, session, sender))
            if not lanes:
                return
            await asyncio.wait(lanes.values(), timeout=LOOK_AGAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            lanes = {sender: task for sender, task in lanes.items() if not task.done()}


async def _send_in_order(run: OwnedRun, session: Session, sender: str) -> None:
    for message in await rows(_next_of, run.id, sender):
        try:
            await deliver(run, session, message)
        except NotDelivered as undelivered:
            log.info("run %s: %s", run.id, undelivered)


def _unsettled(run_id: UUID) -> QuerySet[OutboundMessage]:
    return OutboundMessage.objects.filter(run_id=run_id, status__in=["queued", "sent"])


def _kickoff(run_id: UUID) -> list[OutboundMessage]:
    return list(_unsettled(run_id).filter(category=KICKOFF).order_by("position"))


def _require_delivered(run_id: UUID) -> None:
    lost = OutboundMessage.objects.filter(run_id=run_id, category=KICKOFF, status__in=[REJECTED, FAILED])
    message = lost.exclude(error_code=OUTCOME_UNKNOWN).order_by("position").first()
    if message is not None:
        what, code = f"{message.message_type} from {message.sender}", message.error_code
        was_refused = message.status == REJECTED
        reason = "was refused" if was_refused else "could not be delivered"
        raise NotDelivered(f"{what} {reason}: {message.error_message}", runtime_code=code if was_refused else None)


def _waiting_senders(run_id: UUID) -> list[str]:
    """Whose messages wait, the longest waiting first."""
    senders = _unsettled(run_id).exclude(category=KICKOFF).values("sender").annotate(first=Min("position"))
    return list(senders.order_by("first").values_list("sender", flat=True))


def _next_of(run_id: UUID, sender: str) -> list[OutboundMessage]:
    waiting = _unsettled(run_id).filter(sender=sender).exclude(category=KICKOFF)
    return list(waiting.order_by("position")[:MESSAGES_AT_ONCE])
