"""The fate of outbound messages: whatever an event says of a message, its row says too, in the same transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from runs.domain.documents import iso
from runs.domain.events import Ack, Event, EventType, InlineError, Observation
from runs.domain.outbound import ACCEPTED, FAILED, FINAL_STATUSES, OutboundFacts
from runs.models import OutboundMessage, Run

_FATES = frozenset({EventType.MESSAGE_SENT, EventType.MESSAGE_SEND_FAILED})


def messages_named(run: Run, batch: Sequence[Observation], now: datetime) -> dict[str, OutboundFacts]:
    """The stored messages whose fate this batch may decide, by message id: those that are acknowledged or refused in it."""
    named = {
        item.body.message_id for item in batch if isinstance(item.body, Ack | InlineError) and item.body.message_id
    }
    ids = [parsed for text in named if (parsed := _as_uuid(text)) is not None]
    if not ids:
        return {}
    return {
        str(message.message_id): facts_of(message, run.session_id or "", accepted_at=now)
        for message in OutboundMessage.objects.filter(run_id=run.id, message_id__in=ids)
    }


def facts_of(message: OutboundMessage, session_id: str, *, accepted_at: datetime | None = None) -> OutboundFacts:
    """What the events of a message say of it; a reply is due from `accepted_at` on, where it may be accepted now."""
    due = message.reply_deadline_at or _reply_due(message, accepted_at)
    return OutboundFacts(
        message_id=str(message.message_id),
        session_id=session_id,
        sender=message.sender,
        to=tuple(message.recipients),
        message_type=message.message_type,
        category=message.category,
        kind=message.kind,
        status=message.status,
        payload_descriptor=orjson.loads(message.payload_descriptor),
        reply_deadline_at=iso(due) if due else None,
    )


def settle_messages(run: Run, events: Sequence[Event], now: datetime) -> None:
    """The rows of the messages that `events` speak of hold their new status, ack and error."""
    fates = {str(event.data.get("messageId")): event for event in events if event.type in _FATES}
    ids = [parsed for text in fates if (parsed := _as_uuid(text)) is not None]
    if not ids:
        return
    for message in OutboundMessage.objects.filter(run_id=run.id, message_id__in=ids):
        event = fates[str(message.message_id)]
        _settle(message, event, now)


def _settle(message: OutboundMessage, event: Event, now: datetime) -> None:
    status = event.data.get("status")
    if not isinstance(status, str):
        return
    message.status = status
    message.updated_at = now
    if status != FAILED or message.claimed_epoch is not None:  # else it never left
        message.sent_at = message.sent_at or now
    if "ack" in event.data:
        message.ack = orjson.dumps(event.data["ack"], option=orjson.OPT_SORT_KEYS).decode()
    if status == ACCEPTED:
        message.accepted_at = now
        _owe_reply(message)
    if isinstance(code := event.data.get("errorCode"), str):
        message.error_code = code[:40]
    if isinstance(error := event.data.get("error"), str):
        message.error_message = error
    if status in FINAL_STATUSES:
        message.body = None  # the bytes were kept only to be sent again
    message.save()


def _owe_reply(message: OutboundMessage) -> None:
    message.reply_deadline_at = _reply_due(message, message.accepted_at)
    if message.reply_deadline_at is not None:
        message.reply_status = "pending"


def _reply_due(message: OutboundMessage, accepted_at: datetime | None) -> datetime | None:
    if accepted_at is None or not message.reply_timeout_ms:
        return None
    return accepted_at + timedelta(milliseconds=message.reply_timeout_ms)


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
