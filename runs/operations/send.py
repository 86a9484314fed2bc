"""Send: one message of the run's mode is said into its session, as one of its participants."""

from runs.domain.outbound import MESSAGE
from runs.domain.requests import PayloadEnvelope
from runs.domain.speech import MessageRequest
from runs.operations.fate import Accepted
from runs.operations.say import Occasion, Speech, say
from runs.runtimes.plan import payload_of
from runs.runtimes.port import Outgoing


def send_message(request: MessageRequest, occasion: Occasion) -> Accepted:
    """The runtime has accepted the message; raises as `say` does."""
    payload = payload_of(request.payload, request.payload_envelope)
    outgoing = Outgoing(
        message_id=str(occasion.message_id),
        message_type=request.message_type,
        sender=request.sender,
        recipients=request.to,
        payload=payload.value,
        payload_bytes=payload.data,
        payload_type=payload.type_name,
    )
    speech = Speech(
        category=MESSAGE,
        message_type=request.message_type,
        outgoing=outgoing,
        payload=payload,
        payload_path=_path(request.payload_envelope),
        reply_timeout_ms=request.reply_timeout_ms,
    )
    return say(speech, occasion)


def _path(envelope: PayloadEnvelope | None) -> str:
    """Where the request holds what may not fit a type; text and bytes always do."""
    if envelope is None:
        return "payload"
    return f"payloadEnvelope.{envelope.encoding}"
