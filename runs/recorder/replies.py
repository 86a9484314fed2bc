"""Replies that accepted messages owe: the first message of an addressee after the acceptance answers, exactly once.

Where both are decided, under the run's lock, the rows say what is still pending; nothing is remembered from before it.
"""

from collections.abc import Iterator
from datetime import datetime

from django.db.models.functions import Now

from runs.domain.events import Draft, Event, EventType, JsonObject
from runs.domain.outbound import ACCEPTED
from runs.models import OutboundMessage, Run
from runs.queries import events_backwards

_HEARD = (EventType.MESSAGE_RECEIVED, EventType.MESSAGE_QUEUED)


class Replies:
    """What is owed in one locked run while one transaction numbers its events; read only where something may be owed."""

    def __init__(self, run: Run, *, awaiting: int) -> None:
        self._run = run
        self._pending: list[OutboundMessage] | None = None if awaiting else []
        self._answered: list[OutboundMessage] = []
        self._stored = run.last_seq  # what is in the database already; the rest is numbered in this transaction
        self._heard: list[Event] = []

    def follow(self, event: Event, now: datetime) -> list[Draft]:
        """What follows for the replies from `event`: an acceptance owes one, a message of an addressee gives it."""
        if event.type in _HEARD:
            self._heard.append(event)
        if event.type == EventType.MESSAGE_SENT:
            return self._owe(event, now)
        if event.type == EventType.MESSAGE_RECEIVED and self._owed():
            answered = [message for message in self._owed() if _is_addressee(event.data.get("sender"), message)]
            return [self._answer(message, event.data, event.seq, now) for message in answered]
        return []

    def store(self) -> None:
        """The rows of the answered messages say so, uncommitted."""
        for message in self._answered:
            OutboundMessage.objects.filter(id=message.id, reply_status="pending").update(
                reply_status="answered", reply_message_id=message.reply_message_id, updated_at=Now()
            )

    def _owe(self, event: Event, now: datetime) -> list[Draft]:
        if event.data.get("status") != ACCEPTED or "replyDeadlineAt" not in event.data:
            return []
        message = OutboundMessage.objects.get(run_id=self._run.id, message_id=str(event.data["messageId"]))
        message.accepted_at = now
        self._owed().append(message)
        early = self._early_reply(message)
        return [] if early is None else [self._answer(message, early[1], early[0], now)]

    def _early_reply(self, message: OutboundMessage) -> tuple[int, JsonObject] | None:
        """The reply that is in the log before the acceptance: an agent may be faster than the ack on its way to us.

        The message's own echo tells it from what was said before: the runtime accepted the message at that place.
        """
        reply = None
        for seq, kind, data in self._backwards():
            if data.get("messageId") == str(message.message_id):
                return reply if kind == EventType.MESSAGE_RECEIVED else None
            if kind == EventType.MESSAGE_RECEIVED and _is_addressee(data.get("sender"), message):
                reply = seq, data
        return None

    def _backwards(self) -> Iterator[tuple[int, str, JsonObject]]:
        yield from ((event.seq, event.type, event.data) for event in reversed(self._heard))
        yield from events_backwards(self._run.id, self._stored, types=_HEARD)

    def _owed(self) -> list[OutboundMessage]:
        if self._pending is None:
            owed = OutboundMessage.objects.filter(run_id=self._run.id, reply_status="pending").order_by("position")
            self._pending = list(owed)
        return self._pending

    def _answer(self, message: OutboundMessage, reply: JsonObject, seq: int, now: datetime) -> Draft:
        self._owed().remove(message)
        self._answered.append(message)
        message.reply_message_id = str(reply.get("messageId"))
        elapsed = now - (message.accepted_at or now)
        return Draft(
            type=EventType.MESSAGE_ANSWERED,
            data={
                "messageId": str(message.message_id),
                "replyMessageId": message.reply_message_id,
                "replySeq": seq,
                "sender": reply.get("sender"),
                "elapsedMs": max(0, round(elapsed.total_seconds() * 1000)),
            },
            subject_kind="message",
            subject_id=str(message.message_id),
        )


def _is_addressee(sender: object, message: OutboundMessage) -> bool:
    return sender in message.recipients or (not message.recipients and sender != message.sender)
