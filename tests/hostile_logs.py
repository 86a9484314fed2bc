"""Hostile logs: numbered events of any type, with anything at all in their data, in any order."""

from hypothesis import strategies as st

from runs.domain.events import Event, EventType
from tests.event_logs import PROPOSALS
from tests.run_log import CAST, Log

_WORDS = st.sampled_from(
    (
        *CAST, *PROPOSALS, "", "__start", "__decision", "m-1", "accepted", "queued", "sent", "failed", "rejected",
        "running", "completed", "reconnecting", "APPROVE", "no", "allow", "deny", "Vote", "Objection", "Reject",
        "voter",
    )
)  # fmt: skip
_TEXTS = st.text(
    "aZ7 é\x00\U0001f600", max_size=6
)  # a small alphabet: hypothesis needs seconds to set up all of Unicode
_SCALARS = st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | _TEXTS | _WORDS | _WORDS
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=6,
)
_MEMBERS = (
    "sender", "participantId", "participants", "initiator", "role", "messageType", "messageId", "to", "status",
    "previousStatus", "replyDeadlineAt", "runStatus", "state", "sessionId", "modeName", "extensionKeys", "ending",
    "percentage", "message", "promptTokens", "completionTokens", "totalTokens", "estimatedCostUsd", "latencyMs",
    "policyVersion", "expectedCommitments", "commitmentId", "decision", "reasons", "payloadTypeName", "traceId",
)  # fmt: skip
_PAYLOAD_MEMBERS = (
    "vote", "recommendation", "confidence", "reason", "option", "title", "action", "prompt", "outcomePositive",
    "supersedes", "signalType", "severity", "data", "dataJson", "json", "encoding", "requestedAssignee",
)  # fmt: skip
_PAYLOADS = _VALUES | st.dictionaries(st.sampled_from(_PAYLOAD_MEMBERS), _VALUES, max_size=8)
_DATA = st.tuples(
    st.dictionaries(st.sampled_from(_MEMBERS) | _TEXTS, _VALUES, max_size=9),
    st.fixed_dictionaries({}, optional={"decodedPayload": _PAYLOADS, "payload": _PAYLOADS}),
).map(lambda parts: {**parts[0], **parts[1]})
_TYPES = st.sampled_from([str(member) for member in EventType]) | st.sampled_from(("", "run.", "run.paused", "x"))
_SUBJECTS = st.none() | st.tuples(st.sampled_from(("proposal", "message", "signal")), _WORDS | _TEXTS)
_IDS = st.none() | st.sampled_from(("", "t1", "t2"))


@st.composite
def hostile_logs(draw: st.DrawFn, max_events: int = 15) -> list[Event]:
    """A numbered log whose events hold anything at all, in any order."""
    log = Log()
    for event_type, data, subject, span in draw(
        st.lists(st.tuples(_TYPES, _DATA, _SUBJECTS, _IDS), max_size=max_events)
    ):
        log.write(event_type, data, subject, trace_id=span, span_id=span)
    return log.events
