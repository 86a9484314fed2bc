"""Fates that we give a message ourselves: it failed. Whatever the runtime says of it is recorded as an observation."""

from uuid import UUID

from runs.domain.events import Draft, EventType
from runs.domain.outbound import FAILED, outbound_data
from runs.domain.text import clean
from runs.models import OutboundMessage
from runs.recorder.messages import facts_of
from runs.recorder.writer import RunWriter


def unsettled(writer: RunWriter, row_id: UUID) -> OutboundMessage | None:
    """The message as the locked run has it, or None once it has a fate: nothing further may be said of it then."""
    waiting = OutboundMessage.objects.filter(id=row_id, run_id=writer.run.id, status__in=["queued", "sent"])
    return waiting.first()


def fail_message(writer: RunWriter, message: OutboundMessage, *, code: str, error: str, source_name: str) -> None:
    """The unsettled `message` has failed, and an event says why. `error` may hold a runtime's own words."""
    facts = facts_of(message, writer.run.session_id or "")
    data = outbound_data(facts, status=FAILED, previous=message.status)
    shown = writer.context.redactor.redact_text
    data |= {"error": shown(clean(error)), "errorCode": shown(clean(code))}
    writer.append(
        [
            Draft(
                type=EventType.MESSAGE_SEND_FAILED,
                data=data,
                source_name=source_name,
                subject_kind=facts.subject_kind,
                subject_id=facts.message_id,
            )
        ]
    )
