"""What an observation or an answer tells the owner of a run beside its events: a session is over, or worth asking about."""

from runs.domain.events import (
    TERMINAL_SESSION_STATES,
    Ack,
    Envelope,
    Observation,
    ObservationKind,
    SessionSnapshot,
    StreamStatus,
)
from runs.errors import RuntimeRejected

# Types after which the session's state is read at once: the stream alone does not show where a session stands.
TELLING_TYPES = frozenset({"Commitment", "SessionSuspend", "SessionResume", "SessionCancel"})
RATE_LIMITED = "RATE_LIMITED"
# A subscription that only tells how it and the session stand has delivered nothing yet.
_ABOUT_THE_STREAM = frozenset({ObservationKind.STREAM_STATUS, ObservationKind.SNAPSHOT})


def ends_session(observation: Observation) -> bool:
    """True if the runtime says that the session is over."""
    body = observation.body
    return isinstance(body, SessionSnapshot) and body.state in TERMINAL_SESSION_STATES


def is_telling(observation: Observation) -> bool:
    """True if the session's state may have changed with this message."""
    body = observation.body
    return isinstance(body, Envelope) and body.message_type in TELLING_TYPES


def is_too_fast(ack: Ack) -> bool:
    """True if the runtime refused what was sent only because there was too much of it: later it may take it."""
    return not ack.ok and ack.error is not None and ack.error.code == RATE_LIMITED


def is_for_now(fault: Exception) -> bool:
    """True if the runtime refused a call only because there were too many: it is there, and later it may answer."""
    return isinstance(fault, RuntimeRejected) and fault.runtime_code == RATE_LIMITED


def is_opened(observation: Observation) -> bool:
    """True if our subscription stands."""
    body = observation.body
    return isinstance(body, StreamStatus) and body.status == "opened"


def is_delivery(observation: Observation) -> bool:
    """True if the session itself has said something."""
    return observation.kind not in _ABOUT_THE_STREAM


def message_count(observation: Observation) -> int | None:
    """How many messages the runtime has accepted, SessionStart not counted; None where it does not say."""
    body = observation.body
    return body.message_count if isinstance(body, SessionSnapshot) else None


def reconnecting(detail: str) -> Observation:
    """Our own note that the subscription broke."""
    body = StreamStatus(status="reconnecting", detail=detail)
    return Observation(kind=ObservationKind.STREAM_STATUS, body=body)
