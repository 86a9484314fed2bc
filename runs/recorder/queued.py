"""A message that is to be sent: its row and the event that says so, in the transaction of whatever it is part of."""

from dataclasses import dataclass
from uuid import UUID

import orjson
from django.db.models import Max

from runs.domain.events import Draft, Event, EventType, JsonObject
from runs.domain.outbound import QUEUED, outbound_data
from runs.models import OutboundMessage
from runs.recorder.messages import facts_of
from runs.recorder.writer import RunWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """What is to be sent: `body` are the exact bytes, `payload_descriptor` what may be shown of them.

    `kind` is that of a kickoff message. A message without a position follows all others.
    """

    message_id: UUID
    category: str
    message_type: str
    sender: str
    recipients: tuple[str, ...]
    body: bytes
    payload_descriptor: JsonObject
    kind: str | None = None
    position: int | None = None
    reply_timeout_ms: int | None = None


def queue_message(writer: RunWriter, message: NewMessage, *, source_name: str) -> Event:
    """The message is stored with the locked run and waits to be sent; the event says so."""
    row = OutboundMessage.objects.create(
        run_id=writer.run.id,
        message_id=message.message_id,
        position=_next_position(writer.run.id) if message.position is None else message.position,
        category=message.category,
        kind=message.kind,
        message_type=message.message_type,
        sender=message.sender,
        recipients=list(message.recipients),
        body=message.body,
        payload_descriptor=orjson.dumps(message.payload_descriptor).decode(),
        reply_timeout_ms=message.reply_timeout_ms,
    )
    facts = facts_of(row, writer.run.session_id or "")
    draft = Draft(
        type=EventType.MESSAGE_QUEUED,
        data=outbound_data(facts, status=QUEUED, previous=None),
        source_name=source_name,
        subject_kind=facts.subject_kind,
        subject_id=facts.message_id,
    )
    return writer.append([draft])[0]


def _next_position(run_id: UUID) -> int:
    last: int | None = OutboundMessage.objects.filter(run_id=run_id).aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1
