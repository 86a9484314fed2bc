"""The bodies of POST /runs/{id}/messages, /signal and /context."""

from collections.abc import Callable
from typing import TypeVar

from runs.api.members import Members
from runs.api.requests.kickoff import LONGEST_REPLY_TIMEOUT_MS, MOST_RECIPIENTS
from runs.api.requests.payloads import read_payload
from runs.domain.speech import ContextRequest, MessageRequest, SignalRequest
from runs.errors import FieldFault, ValidationFailed

T = TypeVar("T")


def read_message(body: object) -> MessageRequest:
    """The message in `body`. Raises ValidationFailed with every fault there is."""
    return _read(body, _message)


def read_signal(body: object) -> SignalRequest:
    """The signal in `body`. Raises ValidationFailed with every fault there is."""
    return _read(body, _signal)


def read_context(body: object) -> ContextRequest:
    """The context update in `body`. Raises ValidationFailed with every fault there is."""
    return _read(body, _context)


def _read(body: object, read: Callable[[Members], T]) -> T:
    faults: list[FieldFault] = []
    members = Members.of(body, "", faults)
    request = read(members)
    members.refuse_others()
    if faults:
        raise ValidationFailed(list(dict.fromkeys(faults)))
    return request


def _message(members: Members) -> MessageRequest:
    payload, envelope = read_payload(members)
    members.optional_object("metadata")  # the caller's own notes: taken, and sent to nobody
    return MessageRequest(
        sender=members.text("from"),
        to=members.texts("to", most=MOST_RECIPIENTS),
        message_type=members.text("messageType"),
        payload=payload,
        payload_envelope=envelope,
        reply_timeout_ms=members.optional_integer("replyTimeoutMs", least=1, most=LONGEST_REPLY_TIMEOUT_MS),
    )


def _signal(members: Members) -> SignalRequest:
    if not members.has("to"):
        members.fault("to", "is required")
    request = SignalRequest(
        sender=members.text("from"),
        to=members.texts("to", most=MOST_RECIPIENTS),
        message_type=members.text("messageType"),
        payload=members.optional_object("payload"),
        signal_type=members.optional_text("signalType") or "",
        severity=members.optional_text("severity") or "",
        confidence=members.optional_number("confidence", least=0, most=1),
    )
    _refuse_contradictions(members, request)
    return request


def _refuse_contradictions(members: Members, request: SignalRequest) -> None:
    """Whom a signal is meant for and how grave it is travel in its payload: what the caller wrote there is not lost."""
    payload = request.payload or {}
    if payload.get("to", list(request.to)) != list(request.to):
        members.fault("payload.to", "must be absent or equal to `to`, which travels there")
    if request.severity and payload.get("severity", request.severity) != request.severity:
        members.fault("payload.severity", "must be absent or equal to `severity`, which travels there")


def _context(members: Members) -> ContextRequest:
    sender, context = members.text("from"), members.optional_object("context")
    if not members.has("context"):
        members.fault("context", "is required and must be an object")
    return ContextRequest(sender=sender, context=context or {})
