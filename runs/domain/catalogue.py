"""The event catalogue: every type with its subject, its data and its meaning. docs/events.md shows it.

A test compares the page with `as_table()` and what is really written with `members` and `optional`.
"""

from typing import NamedTuple

from runs.domain.events import EventType
from runs.domain.normaliser.vocabulary import TOOLS, VOCABULARY, Derived


class Entry(NamedTuple):
    """What an event of one type looks like: `members` are always there, `optional` ones where known."""

    subject: str
    meaning: str
    members: tuple[str, ...]
    optional: tuple[str, ...] = ()


_HEADER = ("modeName", "messageType", "messageId", "sessionId", "sender")
_DERIVED = ("decodedPayload", "payloadTypeName")
_OUTBOUND = (
    "messageId",
    "sessionId",
    "sender",
    "to",
    "messageType",
    "category",
    "status",
    "previousStatus",
    "payloadDescriptor",
)
_OUTBOUND_OPTIONAL = ("kind", "replyDeadlineAt")
_ENDING = ("status", "runStatus", "endedAt", "ending")
_ENDING_OPTIONAL = ("runtimeSessionId", "traceId")


def _derived(subject: str, meaning: str, *members: str, optional: tuple[str, ...] = ()) -> Entry:
    return Entry(subject, meaning, (*_HEADER, *members), (*_DERIVED, *optional))


def _outbound(meaning: str, *optional: str) -> Entry:
    return Entry("message or signal", meaning, _OUTBOUND, (*_OUTBOUND_OPTIONAL, *optional))


CATALOGUE: dict[EventType, Entry] = {
    EventType.RUN_CREATED: Entry(
        "run",
        "The run was accepted and is queued.",
        ("status", "modeName", "runtimeKind", "sessionOpener"),
        ("runtimeVersion", "sessionId", "traceId"),
    ),
    EventType.RUN_STARTED: Entry(
        "run", "An observer has claimed the run.", ("status", "startedAt", "modeName", "runtimeKind"), ("traceId",)
    ),
    EventType.RUN_SUSPENDED: Entry(
        "run",
        "The session is suspended; the progress clock stands still.",
        ("status", "runStatus", "runtimeSessionId"),
        ("reason", "traceId"),
    ),
    EventType.RUN_RESUMED: Entry(
        "run", "The session goes on.", ("status", "runStatus", "runtimeSessionId"), ("reason", "traceId")
    ),
    EventType.RUN_COMPLETED: Entry("run", "An ending: the session was resolved.", _ENDING, _ENDING_OPTIONAL),
    EventType.RUN_FAILED: Entry(
        "run", "An ending: `ending.code` says why the run failed.", (*_ENDING, "error"), _ENDING_OPTIONAL
    ),
    EventType.RUN_CANCELLED: Entry("run", "An ending: the run was cancelled.", _ENDING, _ENDING_OPTIONAL),
    EventType.SESSION_BOUND: Entry(
        "session",
        "The run has its session at the runtime.",
        (
            "sessionId",
            "initiator",
            "state",
            "modeName",
            "modeVersion",
            "configurationVersion",
            "policyVersion",
            "participants",
            "runStatus",
        ),
        ("contextId", "extensionKeys"),
    ),
    EventType.SESSION_STREAM_OPENED: Entry(
        "session", "How our subscription stands, and how a recovery went.", ("status",), ("detail", "recovery")
    ),
    EventType.SESSION_STATE_CHANGED: Entry(
        "session",
        "The runtime's state of the session differs from the last known one.",
        ("sessionId", "state"),
        (
            "startedAtUnixMs",
            "expiresAtUnixMs",
            "modeName",
            "modeVersion",
            "configurationVersion",
            "policyVersion",
            "runStatus",
        ),
    ),
    EventType.PARTICIPANT_SEEN: Entry(
        "participant",
        "First sight of a participant in this run.",
        ("participantId", "status"),
        ("role", "transportIdentity"),
    ),
    EventType.MESSAGE_QUEUED: _outbound("A message to the session is stored; nothing has left yet."),
    EventType.MESSAGE_SENT: _outbound("It was handed to the runtime or, with `ack`, accepted by it.", "ack"),
    EventType.MESSAGE_SEND_FAILED: Entry(
        "message or signal",
        "The runtime refused it (`ack` or `errorMessage`), or it could not be delivered.",
        ("messageId", "sessionId"),
        (
            *(member for member in _OUTBOUND if member not in ("messageId", "sessionId")),
            *_OUTBOUND_OPTIONAL,
            "error",
            "errorCode",
            "errorMessage",
            "reasons",
            "ack",
        ),
    ),
    EventType.MESSAGE_RECEIVED: Entry(
        "message",
        "A message of the session, as received; `redacted` lists what was masked in its payload.",
        (*_HEADER, "payload"),
        ("redacted", "error"),
    ),
    EventType.MESSAGE_ANSWERED: Entry(
        "message",
        "The reply that a message was owed has come.",
        ("messageId", "replyMessageId", "replySeq", "sender", "elapsedMs"),
    ),
    EventType.MESSAGE_UNANSWERED: Entry(
        "message", "No reply came in time, or before the end.", ("messageId", "replyTimeoutMs", "reason")
    ),
    EventType.SIGNAL_EMITTED: _derived(
        "signal", "A participant or a bystander raised a signal.", optional=("signalType", "severity", "confidence")
    ),
    EventType.SIGNAL_ACKNOWLEDGED: _derived("signal", "Somebody has taken note of a signal."),
    EventType.PROPOSAL_CREATED: _derived("proposal", "A proposal, task, handoff or approval request is open."),
    EventType.PROPOSAL_UPDATED: _derived("proposal", "A vote, an evaluation, an answer or a step on it."),
    EventType.DECISION_FINALIZED: _derived("decision", "A commitment was made; it does not end the run by itself."),
    EventType.POLICY_RESOLVED: _derived(
        "policy",
        "The policy that binds the session is known.",
        "policyVersion",
        optional=("policyDescription", "expectedCommitments"),
    ),
    EventType.POLICY_COMMITMENT_EVALUATED: _derived(
        "policy", "A policy judged a commitment: `allow` or `deny`.", "commitmentId", "decision", "reasons"
    ),
    EventType.POLICY_DENIED: Entry(
        "policy",
        "A policy refused a commitment.",
        ("messageId", "reasons"),
        (*(member for member in _HEADER if member != "messageId"), *_DERIVED, "commitmentId", "errorCode", "denials"),
    ),
    EventType.PROGRESS_REPORTED: Entry(
        "message",
        "How far a participant has got: `percentage` is 0 to 100.",
        ("sender", "messageId", "participantId"),
        (
            *(member for member in _HEADER if member not in ("messageId", "sender")),
            *_DERIVED,
            "percentage",
            "message",
            "progressToken",
            "total",
            "targetMessageId",
            "taskId",
        ),
    ),
    EventType.TOOL_CALLED: _derived("tool", "A participant called a tool."),
    EventType.TOOL_COMPLETED: _derived("tool", "A tool has answered."),
    EventType.LLM_CALL_COMPLETED: Entry(
        "message",
        "A participant reports a call of a language model; the cost is an estimate at the prices of that moment.",
        ("sender", "messageId", "promptTokens", "completionTokens", "totalTokens", "estimatedCostUsd"),
        ("model", "provider", "latencyMs", "prompt", "response"),
    ),
    EventType.ARTIFACT_CREATED: Entry(
        "artifact", "Something worth keeping belongs to the run.", ("artifactId", "kind", "label"), ("traceId", "uri")
    ),
}


def as_table() -> str:
    """The catalogue as a Markdown table, in the order of the types; `?` marks what may be absent."""
    rows = [
        f"| `{event_type}` | {entry.subject} | {_data(entry)} | {entry.meaning} |"
        for event_type, entry in ((event_type, CATALOGUE[event_type]) for event_type in EventType)
    ]
    return "\n".join(["| type | subject | data | meaning |", "|---|---|---|---|", *rows])


def vocabulary_as_table() -> str:
    """The derived events as a Markdown table, by message type."""
    rows = [_vocabulary_row(message_type, derived) for message_type, derived in VOCABULARY.items()]
    rows += [_vocabulary_row(f"{message_type} (any case)", derived) for message_type, derived in TOOLS.items()]
    return "\n".join(["| message type | event | subject | its id |", "|---|---|---|---|", *rows])


def _vocabulary_row(message_type: str, derived: Derived) -> str:
    ids = ", else ".join((*(name[0] for name in derived.ids), "messageId"))
    return f"| {message_type} | `{derived.event_type}` | {derived.subject_kind} | {ids} |"


def _data(entry: Entry) -> str:
    return ", ".join((*entry.members, *(f"{member}?" for member in entry.optional)))
