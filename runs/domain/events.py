"""The values on the path of an event: Observation, then Draft, then Event.

The type says how far along the path a value is. All are immutable, and none knows where it is stored.
Vocabulary and rules: docs/events.md.
"""

import hmac
from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

import msgspec

JsonObject = dict[str, object]

SCHEMA_VERSION = 3


class SessionState(StrEnum):
    """What a runtime says of a session; the names are those of the protocol."""

    UNSPECIFIED = "SESSION_STATE_UNSPECIFIED"
    OPEN = "SESSION_STATE_OPEN"
    RESOLVED = "SESSION_STATE_RESOLVED"
    EXPIRED = "SESSION_STATE_EXPIRED"
    SUSPENDED = "SESSION_STATE_SUSPENDED"
    CANCELLED = "SESSION_STATE_CANCELLED"


TERMINAL_SESSION_STATES = frozenset({SessionState.RESOLVED, SessionState.EXPIRED, SessionState.CANCELLED})


class ObservationKind(StrEnum):
    """How an observation reached us; stored with its bytes and shown as `source.rawType`."""

    ENVELOPE = "stream-envelope"  # from the session stream; only these move the runtime cursor
    AMBIENT = "ambient-envelope"  # from the signal watch, correlated to the session
    ACK = "send-ack"
    INLINE_ERROR = "stream-inline-error"
    SNAPSHOT = "session-snapshot"  # GetSession
    LIFECYCLE = "session-lifecycle"  # WatchSessions
    STREAM_STATUS = "stream-status"
    UNDECODABLE = "undecodable"  # a frame that could not be read; its bytes are kept


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a session (or an ambient one), with its payload as received.

    `decoded` is the payload as a JSON object where the adapter knows its type (docs/events.md, payloads),
    and `type_name` that type's full name; both are None where the payload is unknown or undecodable.
    """

    mode: str
    message_type: str
    message_id: str
    session_id: str
    sender: str
    payload: bytes
    timestamp_unix_ms: int = 0
    decoded: JsonObject | None = None
    type_name: str | None = None


class AckError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a runtime refused: its own code and words, and details as received."""

    code: str
    message: str
    session_id: str = ""
    message_id: str = ""
    details: bytes = b""


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """A runtime's answer to something that was sent into a session. `number` counts the acks of one message."""

    ok: bool
    message_id: str
    session_id: str
    duplicate: bool = False
    accepted_at_unix_ms: int = 0
    session_state: SessionState = SessionState.UNSPECIFIED
    error: AckError | None = None
    number: int = 1


class SessionSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What a runtime says a session is right now. `message_count` is None where it does not say."""

    session_id: str
    state: SessionState
    mode_name: str = ""
    mode_version: str = ""
    configuration_version: str = ""
    policy_version: str = ""
    started_at_unix_ms: int = 0
    expires_at_unix_ms: int = 0
    initiator: str = ""
    participants: tuple[str, ...] = ()
    context_id: str = ""
    extension_keys: tuple[str, ...] = ()
    message_count: int | None = None  # accepted mode messages, SessionStart not counted


class InlineError(msgspec.Struct, frozen=True, kw_only=True):
    """An error frame inside a session stream."""

    code: str
    message: str
    session_id: str = ""
    message_id: str = ""
    details: bytes = b""


class StreamStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How our subscription stands: `opened`, `reconnecting` or `closed`."""

    status: str
    detail: str = ""


class Undecodable(msgspec.Struct, frozen=True, kw_only=True):
    """A frame nobody could read, and why.

    `read` is what was read in it all the same, where only its rows could not be stored: it is known again by that.
    """

    reason: str
    read: "Envelope | None" = None


Body = Envelope | Ack | SessionSnapshot | InlineError | StreamStatus | Undecodable


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What a runtime told us, as received: `raw` are the very bytes, `body` what the adapter read in them.

    `source_id` identifies it across reconnects (`env:<messageId>`, `amb:<sender>:<messageId>`,
    `ack:<messageId>:<n>`), or is None where the runtime gives no identity (status, snapshots, inline errors).
    """

    kind: ObservationKind
    body: Body
    raw: bytes = b""
    source_id: str | None = None

    def digest(self, key: bytes) -> bytes | None:
        """32 bytes that differ if the content under one source id differs; None without a source id."""
        if self.source_id is None:
            return None
        body = self.body.read if isinstance(self.body, Undecodable) else self.body
        if isinstance(body, Envelope):
            head = f"{body.mode}\0{body.message_type}\0{body.sender}\0".encode(errors="replace")
            return hmac.digest(key, head + body.payload, "sha256")
        return hmac.digest(key, self.raw, "sha256")


class EventType(StrEnum):
    """Every type a run's log can hold; a comment names the edge of the lifecycle it stands for."""

    RUN_CREATED = "run.created"  # -> queued
    RUN_STARTED = "run.started"  # queued -> starting
    RUN_SUSPENDED = "run.suspended"  # running -> suspended
    RUN_RESUMED = "run.resumed"  # suspended -> running
    RUN_COMPLETED = "run.completed"  # running, suspended -> completed; an ending
    RUN_FAILED = "run.failed"  # any -> failed; an ending
    RUN_CANCELLED = "run.cancelled"  # any -> cancelled; an ending
    SESSION_BOUND = "session.bound"  # starting -> binding_session
    SESSION_STREAM_OPENED = "session.stream.opened"
    SESSION_STATE_CHANGED = "session.state.changed"  # ours, after the kickoff: binding_session -> running
    PARTICIPANT_SEEN = "participant.seen"
    MESSAGE_QUEUED = "message.queued"
    MESSAGE_SENT = "message.sent"
    MESSAGE_SEND_FAILED = "message.send_failed"
    MESSAGE_RECEIVED = "message.received"
    MESSAGE_ANSWERED = "message.answered"
    MESSAGE_UNANSWERED = "message.unanswered"
    SIGNAL_EMITTED = "signal.emitted"
    SIGNAL_ACKNOWLEDGED = "signal.acknowledged"
    PROPOSAL_CREATED = "proposal.created"
    PROPOSAL_UPDATED = "proposal.updated"
    DECISION_FINALIZED = "decision.finalized"
    POLICY_RESOLVED = "policy.resolved"
    POLICY_COMMITMENT_EVALUATED = "policy.commitment.evaluated"
    POLICY_DENIED = "policy.denied"
    PROGRESS_REPORTED = "progress.reported"
    TOOL_CALLED = "tool.called"
    TOOL_COMPLETED = "tool.completed"
    LLM_CALL_COMPLETED = "llm.call.completed"
    ARTIFACT_CREATED = "artifact.created"


ENDING_TYPES = frozenset({EventType.RUN_COMPLETED, EventType.RUN_FAILED, EventType.RUN_CANCELLED})

CONTROL_PLANE = "control-plane"
RUNTIME = "runtime"


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A canonical event that has no number yet.

    `source_kind` is `runtime` (came from the runtime) or `control-plane` (our own, `source_name` says which part).
    `raw_seq` is set for what came from a raw observation.
    """

    type: str
    data: JsonObject
    source_kind: str = CONTROL_PLANE
    source_name: str = "observer"
    subject_kind: str | None = None
    subject_id: str | None = None
    raw_type: str | None = None
    raw_seq: int | None = None
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A numbered, immutable, canonical fact. `ts` is ISO-8601 UTC with milliseconds."""

    id: UUID
    run_id: UUID
    seq: int
    ts: str
    type: str
    data: JsonObject
    source_kind: str
    source_name: str
    subject_kind: str | None = None
    subject_id: str | None = None
    raw_type: str | None = None
    raw_seq: int | None = None
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None

    @property
    def ends_the_run(self) -> bool:
        """True for the one terminal event of a run."""
        return self.type in ENDING_TYPES


def moved_status(event_type: str, data: Mapping[str, object]) -> str | None:
    """The run status an event carries, or None: `data.runStatus`, for `run.*` events also `data.status`."""
    status = data.get("runStatus")
    if status is None and event_type.startswith("run."):
        status = data.get("status")
    return status if isinstance(status, str) else None
