"""`kickoff` of an ExecutionRequest."""

from runs.api.members import Members
from runs.api.requests.payloads import read_payload
from runs.domain.requests import KickoffRequest

KINDS = ("request", "broadcast", "proposal", "context")
MOST_MESSAGES = 1000
MOST_RECIPIENTS = 1000
LONGEST_REPLY_TIMEOUT_MS = 86_400_000


def read_kickoff(members: Members) -> tuple[KickoffRequest, ...]:
    """The kickoff messages in `members`, in order; faults are noted there."""
    return members.children("kickoff", _read_message, most=MOST_MESSAGES)


def _read_message(members: Members) -> KickoffRequest:
    payload, envelope = read_payload(members)
    message = KickoffRequest(
        sender=members.text("from"),
        to=members.texts("to", least=1, most=MOST_RECIPIENTS),
        kind=members.choice("kind", KINDS),
        message_type=members.text("messageType"),
        payload=payload,
        payload_envelope=envelope,
        metadata=members.optional_object("metadata"),
        reply_timeout_ms=members.optional_integer("replyTimeoutMs", least=1, most=LONGEST_REPLY_TIMEOUT_MS),
    )
    members.refuse_others()
    return message
