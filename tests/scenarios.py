"""Named lists of observations: what a runtime says in the course of one session.

The cast: lead opens and commits, alice, bob and carol are participants. Every list is a complete story in the order a
runtime would tell it; `ALL` holds them by name.
"""

from base64 import b64encode
from collections.abc import Mapping

import orjson

from runs.domain.events import (
    Ack,
    AckError,
    Body,
    Envelope,
    InlineError,
    JsonObject,
    Observation,
    ObservationKind,
    SessionSnapshot,
    SessionState,
    StreamStatus,
    Undecodable,
)

SESSION = "0190a7c2-0000-7000-8000-00000000005e"
DECISION = "macp.mode.decision.v1"
PROPOSAL = "macp.mode.proposal.v1"
TASK = "macp.mode.task.v1"
HANDOFF = "macp.mode.handoff.v1"
QUORUM = "macp.mode.quorum.v1"
MULTI_ROUND = "ext.multi_round.v1"

_CORE = frozenset({"SessionStart", "Commitment", "Signal", "Progress"})


def envelope(
    message_id: str,
    sender: str,
    message_type: str,
    decoded: JsonObject | None = None,
    *,
    mode: str = DECISION,
    payload: bytes | None = None,
    kind: ObservationKind = ObservationKind.ENVELOPE,
) -> Observation:
    """An envelope of a known type if `decoded` is given, else of an unknown one with `payload` as its bytes."""
    ambient = kind is ObservationKind.AMBIENT
    content = orjson.dumps(decoded) if payload is None and decoded is not None else payload or b""
    body = Envelope(
        mode="" if ambient else mode,
        message_type=message_type,
        message_id=message_id,
        session_id="" if ambient else SESSION,
        sender=sender,
        payload=content,
        decoded=decoded,
        type_name=_type_name(mode, message_type) if decoded is not None else None,
    )
    source_id = f"amb:{sender}:{message_id}" if ambient else f"env:{message_id}"
    return Observation(kind=kind, body=body, raw=content, source_id=source_id)


def unknown(message_id: str, sender: str, message_type: str, value: object, *, mode: str = DECISION) -> Observation:
    """An envelope of a type no adapter knows, with a JSON payload."""
    return envelope(message_id, sender, message_type, payload=orjson.dumps(value), mode=mode)


def signal(
    message_id: str, sender: str, signal_type: str, data: object, confidence: float | None = None
) -> Observation:
    """An ambient Signal correlated to the session."""
    decoded: JsonObject = {
        "signalType": signal_type,
        "data": b64encode(orjson.dumps(data)).decode(),
        "correlationSessionId": SESSION,
    }
    if confidence is not None:
        decoded["confidence"] = confidence
    return envelope(message_id, sender, "Signal", decoded, kind=ObservationKind.AMBIENT)


def snapshot(state: SessionState, kind: ObservationKind = ObservationKind.SNAPSHOT) -> Observation:
    """What the runtime says the session is."""
    body = SessionSnapshot(
        session_id=SESSION,
        state=state,
        mode_name=DECISION,
        mode_version="1.0.0",
        configuration_version="config.default",
        policy_version="policy.default",
        started_at_unix_ms=1_769_851_800_000,
        expires_at_unix_ms=1_769_855_400_000,
        initiator="lead",
        participants=("lead", "alice", "bob", "carol"),
    )
    return Observation(kind=kind, body=body, raw=b"snapshot")


def stream(status: str, detail: str = "") -> Observation:
    """How our subscription stands."""
    return Observation(kind=ObservationKind.STREAM_STATUS, body=StreamStatus(status=status, detail=detail))


def ack(message_id: str, *, error: AckError | None = None, duplicate: bool = False, number: int = 1) -> Observation:
    """The runtime's answer to something we sent; refused where an error is given."""
    body = Ack(
        ok=error is None,
        message_id=message_id,
        session_id=SESSION,
        duplicate=duplicate,
        accepted_at_unix_ms=0 if error else 1_769_851_801_000,
        session_state=SessionState.UNSPECIFIED if error else SessionState.OPEN,
        error=error,
        number=number,
    )
    return Observation(kind=ObservationKind.ACK, body=body, raw=b"ack", source_id=f"ack:{message_id}:{number}")


def refused(message_id: str, code: str, message: str, details: Mapping[str, object] | None = None) -> Observation:
    """An ack that refuses, with JSON details."""
    raw = b"" if details is None else orjson.dumps(details)
    return ack(message_id, error=AckError(code=code, message=message, message_id=message_id, details=raw))


def inline_error(code: str, message: str, message_id: str = "") -> Observation:
    """An error frame inside the session stream."""
    body = InlineError(code=code, message=message, session_id=SESSION, message_id=message_id)
    return Observation(kind=ObservationKind.INLINE_ERROR, body=body, raw=b"error")


def poison(raw: bytes = b"\xff\xfe\x00broken", source_id: str | None = None) -> Observation:
    """A frame that nobody can read."""
    body: Body = Undecodable(reason="wire type 7 is not known")
    return Observation(kind=ObservationKind.UNDECODABLE, body=body, raw=raw, source_id=source_id)


def session_start(mode: str) -> Observation:
    """The first envelope of every session."""
    decoded: JsonObject = {
        "intent": "ship it?",
        "participants": ["lead", "alice", "bob", "carol"],
        "modeVersion": "1.0.0",
        "configurationVersion": "config.default",
        "policyVersion": "policy.default",
        "ttlMs": 3_600_000,
    }
    return envelope("m-start", "lead", "SessionStart", decoded, mode=mode)


def commitment(action: str, positive: bool, *, mode: str) -> Observation:
    """The envelope that resolves a session."""
    decoded: JsonObject = {
        "commitmentId": "c1",
        "action": action,
        "authorityScope": "team",
        "reason": "everybody was heard",
        "modeVersion": "1.0.0",
        "policyVersion": "policy.default",
        "configurationVersion": "config.default",
        "outcomePositive": positive,
    }
    return envelope("m-commit", "lead", "Commitment", decoded, mode=mode)


def _type_name(mode: str, message_type: str) -> str:
    if message_type in _CORE:
        return f"macp.v1.{message_type}Payload"
    return f"macp.modes.{mode.removeprefix('macp.mode.').removesuffix('.v1')}.v1.{message_type}Payload"


_OPENED = [stream("opened"), snapshot(SessionState.OPEN)]
_RESOLVED = [snapshot(SessionState.RESOLVED)]

HAPPY_DECISION = [
    *_OPENED,
    session_start(DECISION),
    envelope("m1", "lead", "Proposal", {"proposalId": "p1", "option": "ship", "rationale": "tests pass"}),
    envelope("m2", "alice", "Evaluation", {"proposalId": "p1", "recommendation": "APPROVE", "confidence": 0.9}),
    envelope("m3", "alice", "Vote", {"proposalId": "p1", "vote": "APPROVE", "reason": "good"}),
    envelope("m4", "bob", "Vote", {"proposalId": "p1", "vote": "APPROVE"}),
    commitment("decision.approved", True, mode=DECISION),
    *_RESOLVED,
]

VETO = [
    *_OPENED,
    session_start(DECISION),
    envelope("m1", "lead", "Proposal", {"proposalId": "p1", "option": "ship"}),
    envelope("m2", "bob", "Objection", {"proposalId": "p1", "reason": "no rollback", "severity": "critical"}),
    envelope("m3", "alice", "Vote", {"proposalId": "p1", "vote": "APPROVE"}),
    refused(
        "out-1",
        "POLICY_DENIED",
        "the policy denies the commitment",
        {
            "reasons": ["critical objection by bob"],
            "denials": [{"code": "veto", "message": "critical objection", "participants": ["bob"]}],
        },
    ),
    commitment("decision.rejected", False, mode=DECISION),
    *_RESOLVED,
]

NEGOTIATION = [
    *_OPENED,
    session_start(PROPOSAL),
    envelope("m1", "alice", "Proposal", {"proposalId": "p1", "title": "9 to 5"}, mode=PROPOSAL),
    envelope("m2", "bob", "CounterProposal", {"proposalId": "p2", "supersedesProposalId": "p1"}, mode=PROPOSAL),
    envelope("m3", "alice", "Withdraw", {"proposalId": "p1", "reason": "p2 is better"}, mode=PROPOSAL),
    envelope("m4", "alice", "Accept", {"proposalId": "p2"}, mode=PROPOSAL),
    envelope("m5", "carol", "Reject", {"proposalId": "p2", "terminal": False, "reason": "late"}, mode=PROPOSAL),
    commitment("proposal.accepted", True, mode=PROPOSAL),
    *_RESOLVED,
]

TASK_DONE = [
    *_OPENED,
    session_start(TASK),
    envelope("m1", "lead", "TaskRequest", {"taskId": "t1", "title": "migrate", "requestedAssignee": "bob"}, mode=TASK),
    envelope("m2", "bob", "TaskAccept", {"taskId": "t1", "assignee": "bob"}, mode=TASK),
    envelope("m3", "bob", "TaskUpdate", {"taskId": "t1", "status": "copying", "progress": 0.4}, mode=TASK),
    envelope("m4", "bob", "TaskComplete", {"taskId": "t1", "assignee": "bob", "summary": "all rows moved"}, mode=TASK),
    commitment("task.completed", True, mode=TASK),
    *_RESOLVED,
]

TASK_FAILED = [
    *_OPENED,
    session_start(TASK),
    envelope("m1", "lead", "TaskRequest", {"taskId": "t1", "title": "migrate"}, mode=TASK),
    envelope("m2", "alice", "TaskReject", {"taskId": "t1", "reason": "no time"}, mode=TASK),
    envelope("m3", "bob", "TaskAccept", {"taskId": "t1"}, mode=TASK),
    envelope("m4", "bob", "TaskFail", {"taskId": "t1", "errorCode": "DISK_FULL", "reason": "disk full"}, mode=TASK),
    commitment("task.failed", False, mode=TASK),
    *_RESOLVED,
]

HANDOFF_ACCEPTED = [
    *_OPENED,
    session_start(HANDOFF),
    envelope("m1", "lead", "HandoffOffer", {"handoffId": "h1", "targetParticipant": "bob"}, mode=HANDOFF),
    envelope("m2", "lead", "HandoffContext", {"handoffId": "h1", "contentType": "text/plain"}, mode=HANDOFF),
    envelope("m3", "bob", "HandoffAccept", {"handoffId": "h1", "acceptedBy": "bob"}, mode=HANDOFF),
    commitment("handoff.accepted", True, mode=HANDOFF),
    *_RESOLVED,
]

HANDOFF_DECLINED = [
    *_OPENED,
    session_start(HANDOFF),
    envelope("m1", "lead", "HandoffOffer", {"handoffId": "h1", "targetParticipant": "bob"}, mode=HANDOFF),
    envelope("m2", "bob", "HandoffDecline", {"handoffId": "h1", "reason": "on leave"}, mode=HANDOFF),
    commitment("handoff.declined", False, mode=HANDOFF),
    *_RESOLVED,
]

QUORUM_REACHED = [
    *_OPENED,
    session_start(QUORUM),
    envelope(
        "m1", "lead", "ApprovalRequest", {"requestId": "r1", "action": "deploy", "requiredApprovals": 2}, mode=QUORUM
    ),
    envelope("m2", "alice", "Approve", {"requestId": "r1"}, mode=QUORUM),
    envelope("m3", "bob", "Reject", {"requestId": "r1", "reason": "friday"}, mode=QUORUM),
    envelope("m4", "carol", "Abstain", {"requestId": "r1"}, mode=QUORUM),
    commitment("quorum.approved", True, mode=QUORUM),
    *_RESOLVED,
]

CONVERGENCE = [
    *_OPENED,
    session_start(MULTI_ROUND),
    envelope("m1", "alice", "Contribute", {"value": "x"}, mode=MULTI_ROUND),
    envelope("m2", "bob", "Contribute", {"value": "x"}, mode=MULTI_ROUND),
    commitment("round.converged", True, mode=MULTI_ROUND),
    *_RESOLVED,
]

SIGNALS_AND_PROGRESS = [
    *_OPENED,
    signal("s1", "monitor", "anomaly", {"severity": "high", "metric": "p99"}, confidence=0.8),
    unknown("s2", "alice", "SignalAck", {"signal_id": "s1"}),
    envelope(
        "s3",
        "alice",
        "Progress",
        {"progressToken": "pt-1", "progress": 3.0, "total": 4.0, "message": "three of four"},
        kind=ObservationKind.AMBIENT,
    ),
    signal(
        "s4", "bob", "llm.call.completed", {"model": "gpt-4o-mini", "prompt_tokens": 1000, "completion_tokens": 500}
    ),
]

TOOLS_AND_POLICY = [
    *_OPENED,
    unknown("x1", "alice", "PolicyResolved", {"policyVersion": "policy.strict", "description": "two of three"}),
    unknown("x2", "alice", "ToolCall", {"toolCallId": "tc-1", "tool": "search"}),
    unknown("x3", "alice", "ToolResult", {"tool_call_id": "tc-1", "llmCall": {"model": "gpt-4o", "promptTokens": 10}}),
    unknown("x4", "lead", "PolicyCommitmentEvaluated", {"commitmentId": "c1", "decision": "ALLOW", "reasons": ["ok"]}),
    unknown("x5", "lead", "PolicyDenied", {"commitmentId": "c2", "reasons": ["quorum not met"]}),
    unknown("x6", "lead", "Verdict", {"policyDenied": True, "commitment_id": "c3", "reason": "no votes"}),
]

LOST_STREAM = [
    *_OPENED,
    session_start(DECISION),
    envelope("m1", "lead", "Proposal", {"proposalId": "p1", "option": "ship"}),
    stream("closed", "the connection was reset"),
    stream("reconnecting", "attempt 1"),
    stream("opened"),
    snapshot(SessionState.OPEN),
    envelope("m2", "alice", "Vote", {"proposalId": "p1", "vote": "APPROVE"}),
]

SUSPENDED_AND_RESUMED = [
    *_OPENED,
    snapshot(SessionState.SUSPENDED, ObservationKind.LIFECYCLE),
    snapshot(SessionState.SUSPENDED),
    snapshot(SessionState.OPEN, ObservationKind.LIFECYCLE),
    snapshot(SessionState.EXPIRED),
]

MESSAGES_SENT = [
    *_OPENED,
    ack("out-1"),
    ack("out-1", duplicate=True, number=2),
    refused("out-2", "INVALID_ENVELOPE", "wrong phase"),
    inline_error("RATE_LIMITED", "slow down", "out-3"),
    inline_error("FORBIDDEN", "not an observer"),
]

POISON_FRAME = [
    *_OPENED,
    envelope("m1", "lead", "Proposal", {"proposalId": "p1", "option": "ship"}),
    poison(),
    envelope("m2", "alice", "Vote", {"proposalId": "p1", "vote": "APPROVE"}),
]

ALL: dict[str, list[Observation]] = {
    "happy decision": HAPPY_DECISION,
    "veto": VETO,
    "negotiation": NEGOTIATION,
    "task done": TASK_DONE,
    "task failed": TASK_FAILED,
    "handoff accepted": HANDOFF_ACCEPTED,
    "handoff declined": HANDOFF_DECLINED,
    "quorum reached": QUORUM_REACHED,
    "convergence": CONVERGENCE,
    "signals and progress": SIGNALS_AND_PROGRESS,
    "tools and policy": TOOLS_AND_POLICY,
    "lost stream": LOST_STREAM,
    "suspended and resumed": SUSPENDED_AND_RESUMED,
    "messages sent": MESSAGES_SENT,
    "poison frame": POISON_FRAME,
}
