"""Delivery: a stored message gets its fate. It is claimed before it leaves; only the runtime's own ack accepts it (C20).

claim -> send -> answered: accepted or rejected, as the runtime says
              -> too many at once (RATE_LIMITED): the same again after a pause, a few times; then rejected, or failed,
                 outcome_unknown, where an earlier attempt may have arrived
              -> no answer: the same bytes under the same id again, a few times; then failed
              -> no answer to what the session does not count: failed, outcome_unknown, never sent again
"""

import logging
from dataclasses import dataclass

from django.conf import settings
from django.db.models import F

from runs.bridge import rows
from runs.domain.outbound import KICKOFF, OUTCOME_UNKNOWN
from runs.errors import BreakerOpen, RuntimeFault, RuntimeRejected, RuntimeTimedOut, RuntimeUnavailable
from runs.models import OutboundMessage
from runs.observer.answers import take_answer
from runs.observer.backoff import pause
from runs.observer.owned import OwnedRun
from runs.observer.telling import is_too_fast
from runs.recorder import writing
from runs.recorder.fates import fail_message, unsettled
from runs.runtimes.port import Sent, Session

log = logging.getLogger("signalbox.steering")

BACKOFF_BASE_MS = 250
BACKOFF_MAX_MS = 5000
NOT_REPEATED = "the message may have arrived, and a session does not recognise it if it is sent again"
REPEATED_TOO_FAST = "the message may have arrived, and the runtime takes too few to say so"


class NotDelivered(Exception):
    """A stored message was refused or could not be delivered; its fate is recorded."""

    def __init__(self, message: str, *, runtime_code: str | None = None) -> None:
        super().__init__(message)
        self.runtime_code = runtime_code


class OutcomeUnknown(NotDelivered):
    """A stored message may or may not have arrived, and is never sent again; that is its recorded fate."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message gets no answer any more. `code` is what its row and its event say."""

    code: str
    message: str
    runtime_code: str | None = None


async def deliver(run: OwnedRun, session: Session, message: OutboundMessage) -> None:
    """The message is accepted, or somebody else gave it its fate meanwhile. Raises NotDelivered where it is not accepted."""
    outcome = await _outcome(run, session, message)
    if outcome is None:
        return
    what = f"{message.message_type} from {message.sender}"
    if isinstance(outcome, Failure):
        await rows(_record_failure, run, message, outcome)
        kind = OutcomeUnknown if outcome.code == OUTCOME_UNKNOWN else NotDelivered
        raise kind(f"{what} could not be delivered: {outcome.message}", runtime_code=outcome.runtime_code)
    await take_answer(run, session, outcome, message=message)
    if not outcome.ack.ok:
        error = outcome.ack.error
        reason, code = (error.message, error.code) if error else ("no reason given", None)
        raise NotDelivered(f"{what} was refused: {reason}", runtime_code=code)


async def _outcome(run: OwnedRun, session: Session, message: OutboundMessage) -> Sent | Failure | None:
    """The runtime's answer, or why there will be none; None if the message has got its fate from somebody else."""
    body, is_kickoff = bytes(message.body or b""), message.category == KICKOFF
    may_repeat = session.may_repeat(body)
    may_have_left = message.claimed_epoch is not None  # by a former owner, or by us before we stumbled
    last: RuntimeFault | Sent | None = None  # what stands in the way
    attempts = 0
    while may_repeat or not may_have_left:
        if last is not None:
            if attempts > settings.KICKOFF_MAX_RETRIES:
                return _given_up(last, may_have_left=may_have_left)
            await pause(max(attempts - 1, 0), base_ms=BACKOFF_BASE_MS, max_ms=BACKOFF_MAX_MS)
        if not await rows(_claim, run, message):
            return None
        try:
            sent = _own(await session.send(body), message)
            if not is_too_fast(sent.ack):
                return sent
            last = sent  # this attempt has left no trace
            attempts += 1
        except BreakerOpen as refusal:
            if not is_kickoff and not may_have_left:
                return _failure(refusal)
            last = refusal
            # Nothing has left. A kickoff waits: whether the runtime is away for too long, the subscription finds out.
            attempts += 0 if is_kickoff else 1
        except (RuntimeUnavailable, RuntimeTimedOut) as lost:
            log.warning("%s from %s was not answered: %s", message.message_type, message.sender, lost)
            last, may_have_left = lost, True
            attempts += 1
        except RuntimeFault as refusal:
            return _failure(refusal)
        except Exception as defect:
            if is_kickoff:
                raise
            log.exception("%s from %s could not be sent", message.message_type, message.sender)
            return Failure(OUTCOME_UNKNOWN, f"internal error: {type(defect).__name__}")
    return Failure(
        OUTCOME_UNKNOWN, f"{NOT_REPEATED}: {last.message}" if isinstance(last, RuntimeFault) else NOT_REPEATED
    )


def _given_up(last: RuntimeFault | Sent, *, may_have_left: bool) -> Sent | Failure:
    """What becomes of a message that is not sent again, by what stood in its way at last.

    A runtime counts what it is sent before it looks whether it has it already: a repeat that came too fast says nothing about
    the attempt whose answer was lost.
    """
    if isinstance(last, RuntimeFault):
        return _failure(last)
    error = last.ack.error
    if not may_have_left or error is None:
        return last
    return Failure(OUTCOME_UNKNOWN, f"{REPEATED_TOO_FAST}: {error.message}", error.code)


def _own(sent: Sent, message: OutboundMessage) -> Sent:
    """The answer, if it is one to this message: an ack of another one decides nothing, so this one has none yet."""
    if sent.ack.message_id != str(message.message_id):
        raise RuntimeUnavailable("the runtime's answer names another message")
    return sent


def _failure(fault: RuntimeFault) -> Failure:
    """Refusals keep the runtime's own word; of a runtime that is away only our word says what that means."""
    own = fault.runtime_code if isinstance(fault, RuntimeRejected) else ""
    return Failure(own or fault.code, fault.message, fault.runtime_code or None)


def _claim(run: OwnedRun, message: OutboundMessage) -> bool:
    # Known before the bytes leave: whoever takes over sees that this message may have been sent. A former owner sends none.
    with writing(run.id, epoch=run.epoch, step="send.claim"):
        waiting = OutboundMessage.objects.filter(id=message.id, status__in=["queued", "sent"])
        return waiting.update(attempt=F("attempt") + 1, claimed_epoch=run.epoch) == 1


def _record_failure(run: OwnedRun, message: OutboundMessage, failure: Failure) -> None:
    with writing(run.id, epoch=run.epoch, step="send.failure") as writer:
        if (row := unsettled(writer, message.id)) is not None:
            fail_message(writer, row, code=failure.code, error=failure.message, source_name="observer")
