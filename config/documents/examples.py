"""Examples, as a decision run on the scripted runtime gives them. A test holds each against its schema."""

RUN = "0198c0de-7a10-7c3e-9d5a-1f2e3d4c5b6a"
SESSION = "0198c0de-7a11-7f00-8a4b-6c7d8e9fa0b1"
MODE = "macp.mode.decision.v1"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"

_AT = "2026-01-31T09:30:{}Z"

EVENT: dict[str, object] = {
    "id": "0198c0de-7a20-7b11-8c5d-2a3b4c5d6e7f",
    "runId": RUN,
    "seq": 12,
    "ts": _AT.format("00.000"),
    "type": "message.received",
    "schemaVersion": 3,
    "subject": {"kind": "message", "id": "m-1"},
    "source": {"kind": "runtime", "name": "rust-runtime", "rawType": "Proposal", "rawSeq": 9},
    "trace": {"traceId": TRACE, "spanId": "00f067aa0ba902b7"},
    "data": {
        "modeName": MODE,
        "messageType": "Proposal",
        "messageId": "m-1",
        "sessionId": SESSION,
        "sender": "alice",
        "payload": {"json": {"proposalId": "p1", "option": "ship"}, "encoding": "json"},
    },
    "subjectKind": "message",
    "subjectId": "m-1",
    "sourceKind": "runtime",
    "sourceName": "rust-runtime",
    "rawType": "Proposal",
    "traceId": TRACE,
    "spanId": "00f067aa0ba902b7",
    "parentSpanId": None,
    "createdAt": _AT.format("00.004"),
}

RUN_ROW: dict[str, object] = {
    "id": RUN,
    "status": "completed",
    "mode": "live",
    "modeName": MODE,
    "runtimeKind": "macp",
    "runtimeVersion": None,
    "runtimeSessionId": SESSION,
    "sessionOpener": "control-plane",
    "traceId": TRACE,
    "idempotencyKey": "release-42",
    "lastEventSeq": 33,
    "sourceKind": "ci",
    "sourceRef": "release",
    "tags": ["release"],
    "metadata": {"durationMs": 3120, "eventCount": 33, "finalAction": "ship", "finalConfidence": 1},
    "errorCode": None,
    "errorMessage": None,
    "ending": {
        "status": "completed",
        "code": "resolved",
        "decidedBy": "runtime",
        "evidence": {"lastSeq": 32, "sessionState": "SESSION_STATE_RESOLVED"},
        "error": None,
    },
    "createdAt": _AT.format("00.000"),
    "startedAt": _AT.format("00.050"),
    "endedAt": _AT.format("03.120"),
    "archivedAt": None,
    "updatedAt": _AT.format("03.121"),
}

PROJECTION: dict[str, object] = {
    "run": {"runId": RUN, "status": "running", "runtimeSessionId": SESSION, "modeName": MODE},
    "participants": [
        {"participantId": "alice", "role": "proposer", "status": "active", "latestActivityAt": _AT.format("02.000")},
        {"participantId": "bob", "role": "voter", "status": "waiting"},
    ],
    "graph": {
        "nodes": [{"id": "alice", "kind": "participant", "status": "active"}],
        "edges": [{"from": "alice", "to": "bob", "kind": "fanout", "ts": _AT.format("01.000")}],
    },
    "decision": {"current": {"action": "ship", "proposalId": "p1", "finalized": False, "reasons": ["tests pass"]}},
    "signals": {"signals": []},
    "progress": {"entries": []},
    "timeline": {"latestSeq": 9, "totalEvents": 9, "recent": []},
    "trace": {"spanCount": 0, "linkedArtifacts": []},
    "outboundMessages": {
        **{"total": 1, "queued": 0, "sent": 0, "accepted": 1, "rejected": 0, "failed": 0},
        **{"awaitingReply": 0, "answered": 0, "unanswered": 0},
    },
    "policy": {"policyVersion": "policy.default", "commitmentEvaluations": [], "expectedCommitments": ["bob"]},
    "llm": {
        "calls": [],
        "totals": {
            **{"callCount": 0, "promptTokens": 0, "completionTokens": 0, "totalTokens": 0},
            "estimatedCostUsd": 0,
        },
    },
}

REQUEST: dict[str, object] = {
    "mode": "live",
    "runtime": {"kind": "macp"},
    "session": {
        "modeName": MODE,
        "modeVersion": "1.0.0",
        "configurationVersion": "config.default",
        "policyVersion": "policy.default",
        "ttlMs": 60_000,
        "participants": [{"id": "alice", "role": "proposer"}, {"id": "bob", "role": "voter"}],
    },
    "kickoff": [
        {
            "from": "alice",
            "to": ["bob"],
            "kind": "proposal",
            "messageType": "Proposal",
            "payload": {"proposalId": "p1", "option": "ship"},
        }
    ],
    "execution": {"idempotencyKey": "release-42", "tags": ["release"]},
}

WEBHOOK = "0198c0de-7b00-7a11-8b22-3c4d5e6f7a8b"

WEBHOOK_ROW: dict[str, object] = {
    "id": WEBHOOK,
    "url": "https://receiver.example/hooks",
    "events": ["run.completed", "run.failed"],
    "active": True,
    "description": "the pager",
    "secretHint": "…Hh8=",
    "createdAt": _AT.format("00.000"),
    "updatedAt": _AT.format("00.000"),
    "filters": {"tags": ["release"]},
    "headers": {"Authorization": "[redacted]"},
    "ratePerSecond": 10,
    "concurrency": None,
    "paused": False,
    "disabledAt": None,
    "disabledReason": None,
    "formerSecretExpiresAt": None,
    "health": {"lastSuccessAt": _AT.format("03.200"), "lastFailureAt": None, "failingSince": None, "failures": 0},
}

DELIVERY: dict[str, object] = {
    "id": "0198c0de-7b10-7d44-9e55-6f7a8b9c0d1e",
    "webhookId": WEBHOOK,
    "event": "run.completed",
    "runId": RUN,
    "seq": 33,
    "status": "delivered",
    "attempts": 1,
    "nextAttemptAt": None,
    "lastAttemptAt": _AT.format("03.200"),
    "responseStatus": 204,
    "errorMessage": None,
    "createdAt": _AT.format("03.140"),
    "deliveredAt": _AT.format("03.200"),
}

EXAMPLES: dict[str, object] = {
    "Event": EVENT,
    "RunRow": RUN_ROW,
    "Projection": PROJECTION,
    "ExecutionRequest": REQUEST,
    "Launched": {"runId": RUN, "sessionId": SESSION, "status": "queued", "traceId": TRACE},
    "Ticket": {"ticket": "IMx1v0Qb", "runId": RUN, "expiresAt": _AT.format("30.000")},
    "MetricsSummary": {
        **{"runId": RUN, "eventCount": 33, "messageCount": 9, "signalCount": 1, "proposalCount": 4, "toolCallCount": 0},
        **{"decisionCount": 1, "streamReconnectCount": 0, "lateObservationCount": 0},
        **{"promptTokens": 0, "completionTokens": 0, "totalTokens": 0, "estimatedCostUsd": 0},
        **{"firstEventAt": _AT.format("00.000"), "lastEventAt": _AT.format("03.120"), "durationMs": 3120},
        "sessionState": "SESSION_STATE_RESOLVED",
    },
    "NewWebhook": {"url": "https://receiver.example/hooks", "events": ["run.completed", "run.failed"]},
    "Webhook": WEBHOOK_ROW,
    "WebhookWithSecret": {**WEBHOOK_ROW, "secret": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="},
    "Delivery": DELIVERY,
    "WebhookEvent": {
        **{"event": "run.failed", "type": "run.failed", "runId": RUN, "status": "failed", "seq": 33},
        **{"timestamp": _AT.format("03.120"), "eventId": EVENT["id"], "data": {"error": "the session has expired"}},
    },
    "Heartbeat": {"ts": _AT.format("15.000"), "lastSeq": 12},
    "End": {"status": "completed", "seq": 33, "code": "resolved"},
}
