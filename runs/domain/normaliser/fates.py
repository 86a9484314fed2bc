"""What became of the messages we sent: a runtime's acks, and its errors inside a session stream."""

from runs.domain.events import Ack, AckError, Draft, EventType, InlineError, JsonObject, ObservationKind
from runs.domain.normaliser.context import Context
from runs.domain.normaliser.decisions import POLICY_DENIED, denials_in, reasons_in
from runs.domain.normaliser.members import present
from runs.domain.normaliser.origin import Origin, origin_of
from runs.domain.normaliser.payloads import base64_text, redacted_json
from runs.domain.outbound import ACCEPTED, REJECTED, OutboundFacts, outbound_data
from runs.domain.text import clean

PRODUCED = frozenset({EventType.MESSAGE_SENT, EventType.MESSAGE_SEND_FAILED, EventType.POLICY_DENIED})


def ack_drafts(ack: Ack, context: Context, raw_seq: int) -> list[Draft]:
    """The fate of a stored outbound message; nothing where we know no such message, or its fate is final already."""
    facts = context.outbound.get(clean(ack.message_id))
    if facts is None or facts.settled:
        return []
    origin = origin_of(context, ObservationKind.ACK.value, raw_seq)
    status = ACCEPTED if ack.ok else REJECTED
    data = {**outbound_data(facts, status=status, previous=facts.status), "ack": _ack_data(ack, context)}
    if ack.ok:
        return [origin.draft(EventType.MESSAGE_SENT, facts.subject_kind, facts.message_id, data)]
    refusal = _Refusal(ack.error or AckError(code="", message=""), context)
    data |= {"error": refusal.message or refusal.code or "rejected", **refusal.members()}
    failed = origin.draft(EventType.MESSAGE_SEND_FAILED, facts.subject_kind, facts.message_id, data)
    return [failed, *_denial(refusal, origin, facts.message_id, facts.sender)]


def inline_error_drafts(error: InlineError, context: Context, raw_seq: int) -> list[Draft]:
    """`message.send_failed` for the message the error names.

    An error that names none answers our subscription: that is a failure of the stream, which no message event may
    speak of. Where the message's fate is final already, nothing is added to it.
    """
    message_id = clean(error.message_id)
    facts = context.outbound.get(message_id)
    if not message_id or (facts is not None and facts.settled):
        return []
    origin = origin_of(context, ObservationKind.INLINE_ERROR.value, raw_seq)
    refusal = _Refusal(error, context)
    data = _inline_data(error, facts, refusal, context)
    failed = origin.draft(EventType.MESSAGE_SEND_FAILED, facts.subject_kind if facts else "message", message_id, data)
    return [failed, *_denial(refusal, origin, message_id, facts.sender if facts else "")]


class _Refusal:
    """A runtime's refusal as events may show it."""

    def __init__(self, error: AckError | InlineError, context: Context) -> None:
        self.code = context.redactor.redact_text(clean(error.code))
        self.message = context.redactor.redact_text(clean(error.message))
        details = redacted_json(error.details, context.redactor) if error.details else None
        self._details = details if isinstance(details, dict) else {}

    @property
    def reasons(self) -> list[str]:
        return reasons_in(self._details) or ([self.message] if self.message else [])

    @property
    def denials(self) -> list[object] | None:
        return denials_in(self._details)

    def members(self) -> JsonObject:
        return present((("errorCode", self.code or None), ("reasons", self.reasons or None)))


def _inline_data(error: InlineError, facts: OutboundFacts | None, refusal: _Refusal, context: Context) -> JsonObject:
    message = refusal.message or refusal.code
    data: JsonObject = {
        "messageId": clean(error.message_id),
        "sessionId": clean(error.session_id) or context.session_id,
        "errorCode": refusal.code,
        "errorMessage": message,
        **refusal.members(),
    }
    if facts is None:
        return data
    return {**outbound_data(facts, status=REJECTED, previous=facts.status), **data, "error": message or "rejected"}


def _denial(refusal: _Refusal, origin: Origin, message_id: str, sender: str) -> list[Draft]:
    if refusal.code != POLICY_DENIED:
        return []
    data: JsonObject = {"messageId": message_id, "errorCode": refusal.code, "reasons": refusal.reasons}
    data |= present((("sender", sender or None), ("denials", refusal.denials)))
    return [origin.draft(EventType.POLICY_DENIED, "policy", message_id, data)]


def _ack_data(ack: Ack, context: Context) -> JsonObject:
    data: JsonObject = {
        "ok": ack.ok,
        "duplicate": ack.duplicate,
        "messageId": clean(ack.message_id),
        "sessionId": clean(ack.session_id) or context.session_id,
        "acceptedAtUnixMs": ack.accepted_at_unix_ms,
        "sessionState": str(ack.session_state),
    }
    if ack.error is not None:
        data["error"] = _error_data(ack.error, context)
    return data


def _error_data(error: AckError, context: Context) -> JsonObject:
    redact = context.redactor.redact_text
    return {
        "code": redact(clean(error.code)),
        "message": redact(clean(error.message)),
        **present(
            (
                ("sessionId", clean(error.session_id) or None),
                ("messageId", clean(error.message_id) or None),
                ("detailsBase64", base64_text(error.details, context.redactor) if error.details else None),
            )
        ),
    }
