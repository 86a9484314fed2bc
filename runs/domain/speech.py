"""What a caller wants said into a running session, once it is known to be valid: the bodies of the sending routes.

A stored message is read back from its row, never from here.
"""

import msgspec

from runs.domain.events import JsonObject
from runs.domain.requests import PayloadEnvelope


class MessageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the run's mode; at most one form of payload is given."""

    sender: str
    to: tuple[str, ...] = ()
    message_type: str
    payload: JsonObject | None = None
    payload_envelope: PayloadEnvelope | None = None
    reply_timeout_ms: int | None = None


class SignalRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A signal beside the conversation; without `signal_type` it is called like its message."""

    sender: str
    to: tuple[str, ...]
    message_type: str
    payload: JsonObject | None = None
    signal_type: str = ""
    severity: str = ""
    confidence: float | None = None


class ContextRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the participants should know from now on."""

    sender: str
    context: JsonObject
