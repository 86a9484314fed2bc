"""The state of a run: the fold of its events, slice by slice (docs/projection.md), and what is counted for it."""

from runs.api.schemas.shapes import (
    BOOLEAN,
    COUNT,
    FREE,
    MOMENT,
    NUMBER,
    SEQ,
    TEXT,
    TEXTS,
    UUID,
    Schema,
    either,
    listed,
    nullable,
    ref,
    shape,
    word,
)
from runs.domain.endings import DecidedBy

_STATUS = word(("idle", "active", "waiting", "completed", "failed", "skipped"))
_TOKENS = {"promptTokens": COUNT, "completionTokens": COUNT, "totalTokens": COUNT}
_COUNTERS = ("total", "queued", "sent", "accepted", "rejected", "failed", "awaitingReply", "answered", "unanswered")
_COUNTED = ("event", "message", "signal", "proposal", "toolCall", "decision", "streamReconnect", "lateObservation")

_RUN = shape(
    {"runId": UUID, "status": ref("RunStatus")},
    runtimeSessionId=TEXT,
    startedAt=MOMENT,
    endedAt=MOMENT,
    traceId=TEXT,
    modeName=TEXT,
    contextId=TEXT,
    extensionKeys=TEXTS,
    ending=shape({"status": ref("RunStatus")}, code=ref("EndingCode"), decidedBy=word(DecidedBy)),
)
_PARTICIPANT = shape({"participantId": TEXT, "status": _STATUS}, role=TEXT, latestActivityAt=MOMENT, latestSummary=TEXT)
_NODE = shape({"id": TEXT, "kind": word(("participant", "start", "proposal", "decision", "output")), "status": _STATUS})
_EDGE = shape({"from": TEXT, "to": TEXT, "kind": TEXT, "ts": MOMENT})
_CONTRIBUTION = shape(
    {"participantId": TEXT, "action": TEXT, "reasons": TEXTS, "ts": MOMENT},
    confidence=NUMBER,
    vote=word(("allow", "deny")),
    messageType=TEXT,
)
_DECISION = shape(
    {"action": TEXT, "reasons": TEXTS, "finalized": BOOLEAN},
    confidence=NUMBER,
    proposalId=TEXT,
    outcomePositive=nullable(BOOLEAN),
    prompt=TEXT,
    proposals=listed(_CONTRIBUTION),
    resolvedAt=MOMENT,
    resolvedBy=TEXT,
    supersedes=FREE,
)
_SIGNAL = shape(
    {"id": TEXT, "name": TEXT, "sourceParticipantId": TEXT, "ts": MOMENT},
    severity=TEXT,
    confidence=NUMBER,
    payload={},
    acknowledgedAt=MOMENT,
    acknowledgedBy=TEXT,
)
_PROGRESS = shape({"participantId": TEXT, "ts": MOMENT}, percentage=NUMBER, message=TEXT)
_MOMENT_OF = shape(
    {"id": UUID, "seq": SEQ, "ts": MOMENT, "type": TEXT},
    subject=shape({"kind": TEXT, "id": nullable(TEXT)}),
)
_POLICY = shape(
    {
        "policyVersion": TEXT,
        "commitmentEvaluations": listed(
            shape({"commitmentId": TEXT, "decision": TEXT, "reasons": TEXTS, "ts": MOMENT}),
        ),
    },
    policyDescription=TEXT,
    resolvedAt=MOMENT,
    outcomePositive=nullable(BOOLEAN),
    expectedCommitments=TEXTS,
    voteTally=listed(
        shape(
            {
                "commitmentId": TEXT,
                "allow": COUNT,
                "deny": COUNT,
                "threshold": COUNT,
                "quorum": shape({"required": COUNT, "cast": COUNT}),
            }
        )
    ),
    quorumStatus=word(("pending", "reached", "failed")),
)
_CALL = shape(
    {"participantId": TEXT, **_TOKENS, "ts": MOMENT},
    model=TEXT,
    latencyMs=NUMBER,
    messageId=TEXT,
    artifactId=TEXT,
    estimatedCostUsd=NUMBER,
)
_SLICES: dict[str, Schema] = {
    "run": _RUN,
    "participants": listed(_PARTICIPANT),
    "graph": shape({"nodes": listed(_NODE), "edges": listed(_EDGE)}),
    "decision": shape({}, current=_DECISION),
    "signals": shape({"signals": listed(_SIGNAL)}),
    "progress": shape({"entries": listed(_PROGRESS)}),
    "timeline": shape({"latestSeq": COUNT, "totalEvents": COUNT, "recent": listed(_MOMENT_OF)}),
    "trace": shape({"spanCount": COUNT, "linkedArtifacts": TEXTS}, traceId=TEXT, lastSpanId=TEXT),
    "outboundMessages": shape(dict.fromkeys(_COUNTERS, COUNT)),
    "policy": _POLICY,
    "llm": shape(
        {"calls": listed(_CALL), "totals": shape({"callCount": COUNT, **_TOKENS, "estimatedCostUsd": NUMBER})}
    ),
}

SCHEMAS: dict[str, Schema] = {
    "Projection": shape(_SLICES),
    "RebuiltProjection": shape({**_SLICES, "rebuilt": {"const": True}, "latestSeq": COUNT}),
    "MetricsSummary": shape(
        {"runId": UUID, **{f"{name}Count": COUNT for name in _COUNTED}, **_TOKENS, "estimatedCostUsd": NUMBER},
        firstEventAt=MOMENT,
        lastEventAt=MOMENT,
        durationMs=COUNT,
        sessionState=TEXT,
    ),
    "Events": either(listed(ref("Event")), ref("EventPage")),
}
