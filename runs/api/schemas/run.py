"""A run as lists and single reads show it, and what a launch answers."""

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
    listed,
    nullable,
    ref,
    shape,
    word,
)
from runs.domain.endings import DecidedBy, EndingCode
from runs.domain.lifecycle import RunStatus
from runs.domain.requests import MODES, OPENERS
from runs.operations.recover import Found

_OFTEN_NULL = {
    "runtimeSessionId": nullable(TEXT),
    "sourceKind": nullable(TEXT),
    "sourceRef": nullable(TEXT),
    "tags": TEXTS,
    "lastEventSeq": COUNT,
    "errorCode": nullable(ref("EndingCode")),
    "createdAt": MOMENT,
    "startedAt": nullable(MOMENT),
    "endedAt": nullable(MOMENT),
    "archivedAt": nullable(MOMENT),
    "updatedAt": MOMENT,
}
_NAMED = {"id": UUID, "status": ref("RunStatus"), "mode": word(MODES), "modeName": TEXT, "runtimeKind": TEXT}

_SIDE = shape({"runId": UUID, "status": ref("RunStatus")}, modeName=TEXT, durationMs=COUNT)
_CHANGED = {"added": TEXTS, "removed": TEXTS}

SCHEMAS: dict[str, Schema] = {
    "RunStatus": word(RunStatus),
    "EndingCode": word(EndingCode),
    "Ending": shape(
        {"status": ref("RunStatus"), "code": ref("EndingCode"), "decidedBy": word(DecidedBy), "evidence": FREE},
        error={"description": "The primary cause, and under `cleanupErrors` what failed while ending."},
    ),
    "RunRow": shape(
        {
            **_NAMED,
            "runtimeVersion": nullable(TEXT),
            "sessionOpener": word(OPENERS),
            "traceId": nullable(TEXT),
            "idempotencyKey": nullable(TEXT),
            "metadata": FREE,
            "errorMessage": nullable(TEXT),
            "ending": nullable(ref("Ending")),
            **_OFTEN_NULL,
        },
        cleanup=shape({"status": TEXT, "errors": {"type": "array"}}),
    ),
    "RunSummary": shape({**_NAMED, **_OFTEN_NULL}),
    "Launched": shape(
        {"runId": UUID, "sessionId": nullable(TEXT), "status": ref("RunStatus")},
        traceId=TEXT,
    ),
    "Preflight": shape(
        {
            "valid": BOOLEAN,
            "errors": TEXTS,
            "warnings": TEXTS,
            "runtime": shape({"reachable": BOOLEAN, "supportedModes": TEXTS}, capabilities=ref("Capabilities")),
        }
    ),
    "Capabilities": shape(
        {
            name: nullable(BOOLEAN)
            for name in ("sessions", "cancellation", "progress", "manifest", "modeRegistry", "roots")
        }
    ),
    "Comparison": shape(
        {
            "left": _SIDE,
            "right": _SIDE,
            "statusMatch": BOOLEAN,
            "participantsDiff": shape({**_CHANGED, "common": TEXTS}),
            "signalsDiff": shape(_CHANGED),
        },
        durationDeltaMs={"type": "integer"},
        confidenceDelta=NUMBER,
    ),
    "Replay": shape(
        {
            "runId": UUID,
            "mode": word(("instant", "timed", "step")),
            "speed": NUMBER,
            "streamUrl": TEXT,
            "stateUrl": TEXT,
        },
        fromSeq=SEQ,
        toSeq=SEQ,
    ),
    "Ticket": shape({"ticket": TEXT, "runId": nullable(UUID), "expiresAt": MOMENT}),
    "Traces": shape(
        {"spanCount": COUNT, "linkedArtifacts": TEXTS, "runStatus": ref("RunStatus")},
        traceId=TEXT,
        lastSpanId=TEXT,
        scenarioRef=TEXT,
    ),
    "ExportedRun": shape(
        {"id": UUID, "status": ref("RunStatus"), "runtimeKind": TEXT, "createdAt": MOMENT},
        runtimeVersion=TEXT,
        runtimeSessionId=TEXT,
        traceId=TEXT,
        startedAt=MOMENT,
        endedAt=MOMENT,
        tags=TEXTS,
        source=shape({}, kind=TEXT, ref=TEXT),
        metadata=FREE,
        ending=ref("Ending"),
    ),
    "BatchOutcome": shape(
        {"runId": UUID, "ok": BOOLEAN, "status": word(("cancelled", "archived", "deleted", "failed", "pending"))},
        error=ref("RunError"),
    ),
    "Recovery": shape({"runId": UUID, "status": ref("RunStatus"), "found": word(Found), "takenOver": BOOLEAN}),
    "RunError": shape({"errorCode": ref("ErrorCode"), "message": TEXT}),
    "RunList": shape({"data": listed(ref("RunSummary"))}, total=COUNT),
}
