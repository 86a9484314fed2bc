"""Fate: whoever had a message stored waits for what becomes of it, as long as there is somebody who may send it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from runs.domain.events import EventType, JsonObject
from runs.domain.outbound import ACCEPTED, FINAL_STATUSES, NO_OWNER, OUTCOME_UNKNOWN, REJECTED, RUN_ENDED
from runs.errors import (
    BreakerOpen,
    ControlPlaneError,
    InvalidTransition,
    NoOwner,
    OwnerGone,
    RunEnded,
    RunNotFound,
    RuntimeFault,
    RuntimeRejected,
    RuntimeTimedOut,
    RuntimeUnavailable,
    RuntimeUnsupported,
)
from runs.models import Event, OutboundMessage, Run
from runs.operations.owner_wait import UNOWNED_SECONDS, await_owner
from runs.queries import has_live_owner
from runs.recorder import writing
from runs.recorder.fates import fail_message, unsettled

# What a failed message means for its caller; any other code is the runtime's own word for a refusal.
_FAULTS: dict[str, type[RuntimeFault]] = {
    OUTCOME_UNKNOWN: RuntimeTimedOut,  # what was asked for may still happen, or has happened
    NO_OWNER: RuntimeUnavailable,
    **{fault.code: fault for fault in (RuntimeUnavailable, RuntimeTimedOut, BreakerOpen, RuntimeUnsupported)},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A message the runtime took. `ack` is its answer as JSON text."""

    message_id: UUID
    status: str
    reply_deadline_at: datetime | None
    ack: str


def await_acceptance(
    run_id: UUID, message_id: UUID, *, queued_seq: int, unowned_s: float = UNOWNED_SECONDS
) -> Accepted:
    """The message is accepted. Waits at most RUNTIME_REQUEST_TIMEOUT_MS, and for an owner at most `unowned_s`.

    Raises RuntimeRejected for a refusal, RuntimeUnavailable, RuntimeTimedOut or another RuntimeFault for a failure, all with
    `details.messageId`; InvalidTransition if the run ended first, RunNotFound if it is gone.
    """
    message = _settled(run_id, message_id, unowned_s)
    if message.status != ACCEPTED:
        raise _fault_of(message, queued_seq)
    return Accepted(
        message_id=message.message_id,
        status=message.status,
        reply_deadline_at=message.reply_deadline_at,
        ack=message.ack or "null",
    )


def _settled(run_id: UUID, message_id: UUID, unowned_s: float) -> OutboundMessage:
    try:
        return await_owner(
            lambda: _final(run_id, message_id), has_owner=lambda: has_live_owner(run_id), unowned_s=unowned_s
        )
    except NoOwner:
        return _unowned(run_id, OutboundMessage.objects.get(run_id=run_id, message_id=message_id))
    except RuntimeTimedOut:
        raise RuntimeTimedOut("the message has no fate yet", details={"messageId": str(message_id)}) from None


def _final(run_id: UUID, message_id: UUID) -> OutboundMessage | None:
    """The message once it has its fate. Raises RunNotFound if its run is gone."""
    message = OutboundMessage.objects.defer("body").filter(run_id=run_id, message_id=message_id).first()
    if message is None:
        raise RunNotFound
    return message if message.status in FINAL_STATUSES else None


def _unowned(run_id: UUID, message: OutboundMessage) -> OutboundMessage:
    """The message with its fate: failed, if no owner has claimed it. Raises OwnerGone if one has."""
    try:
        with writing(run_id, epoch=None, step="send.no_owner") as writer:
            row = unsettled(writer, message.id)
            if row is not None and row.claimed_epoch is None:
                fail_message(writer, row, code=NO_OWNER, error="no observer took the message", source_name="api")
    except RunEnded:
        pass  # then the ending has given it its fate
    message.refresh_from_db()
    if message.status not in FINAL_STATUSES:
        details = {"messageId": str(message.message_id)}
        raise OwnerGone("no observer owns the run; the one that took the message is gone", details=details)
    return message


def _fault_of(message: OutboundMessage, queued_seq: int) -> ControlPlaneError:
    details: JsonObject = {"messageId": str(message.message_id)}
    code, text = message.error_code or "", message.error_message or None
    if code == RUN_ENDED:
        return InvalidTransition(text, details=details | {"from": _status_of(message)})
    if message.status != REJECTED and code in _FAULTS:
        return _FAULTS[code](text, details=details)
    return RuntimeRejected(text, runtime_code=code, details=details | _reasons(message, queued_seq))


def _status_of(message: OutboundMessage) -> str:
    return Run.objects.values_list("status", flat=True).get(id=message.run_id)


def _reasons(message: OutboundMessage, queued_seq: int) -> JsonObject:
    """Why the runtime refused, as the log tells it: in one of the few events since the message was stored."""
    told = Event.objects.filter(run_id=message.run_id, seq__gt=queued_seq, subject_id=str(message.message_id))
    kinds = [EventType.MESSAGE_SEND_FAILED, EventType.POLICY_DENIED]
    reasons: JsonObject = {}
    for data in map(orjson.loads, told.filter(type__in=kinds).order_by("seq").values_list("data", flat=True)):
        reasons |= {name: data[name] for name in ("reasons", "denials") if name in data}
    return reasons
