"""Replies that accepted messages owe: the first message of an addressee after the acceptance answers, exactly once."""

from collections.abc import Sequence
from datetime import datetime

from runs.domain.events import Draft, Event, EventType
from runs.domain.outbound import ACCEPTED
from runs.models import OutboundMessage, Run


class Replies:
    """What is owed in one locked run while one transaction numbers its events; read only where something may be owed."""

    def __init__(self, run: Run, *, awaiting: int) -> None:
        self._run = run
        self._pending: list[OutboundMessage] | None = None if awaiting else []
        self._answered: list[OutboundMessage] = []

    def follow(self, event: Event, now: datetime) -> list[Draft]:
        """What follows for the replies from `event`: an acceptance owes one, a message of an addressee gives it."""
        if event.type == EventType.MESSAGE_SENT:
            self._owe(event, now)
        elif event.type == EventType.MESSAGE_RECEIVED and self._owed():
            return [self._answer(message, event, now) for message in self._answered_by(event.data.get("sender"))]
        return []

    def store(self) -> None:
        """The rows of the answered messages say so, uncommitted."""
        for message in self._answered:
            OutboundMessage.objects.filter(id=message.id).update(
                reply_status="answered", reply_message_id=message.reply_message_id
            )

    def _owe(self, event: Event, now: datetime) -> None:
        if event.data.get("status") != ACCEPTED or "replyDeadlineAt" not in event.data:
            return
        message = OutboundMessage.objects.get(run_id=self._run.id, message_id=str(event.data["messageId"]))
        message.accepted_at = now
        self._owed().append(message)

    def _owed(self) -> list[OutboundMessage]:
        if self._pending is None:
            owed = OutboundMessage.objects.filter(run_id=self._run.id, reply_status="pending").order_by("position")
            self._pending = list(owed)
        return self._pending

    def _answered_by(self, sender: object) -> Sequence[OutboundMessage]:
        return [
            message
            for message in self._owed()
            if sender in message.recipients or (not message.recipients and sender != message.sender)
        ]

    def _answer(self, message: OutboundMessage, reply: Event, now: datetime) -> Draft:
        self._owed().remove(message)
        self._answered.append(message)
        message.reply_message_id = str(reply.data.get("messageId"))
        elapsed = now - (message.accepted_at or now)
        return Draft(
            type=EventType.MESSAGE_ANSWERED,
            data={
                "messageId": str(message.message_id),
                "replyMessageId": message.reply_message_id,
                "replySeq": reply.seq,
                "sender": reply.data.get("sender"),
                "elapsedMs": max(0, round(elapsed.total_seconds() * 1000)),
            },
            subject_kind="message",
            subject_id=str(message.message_id),
        )
