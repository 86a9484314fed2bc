"""The schemas of what insights answers."""

from insights.api.bodies import MOST_RUNS
from runs.api.schemas.shapes import (
    BOOLEAN,
    COUNT,
    FREE,
    MOMENT,
    NUMBER,
    TEXT,
    TEXTS,
    UUID,
    Schema,
    closed,
    listed,
    nullable,
    ref,
    shape,
    word,
)

RUN_IDS = closed(("runIds",), runIds={"type": "array", "minItems": 1, "maxItems": MOST_RUNS, "items": UUID})
COMPARISON = closed(("leftRunId", "rightRunId"), leftRunId=UUID, rightRunId=UUID)

_CHARTS = (
    *("runVolume", "latency", "signalVolume", "errorClasses", "throughput", "queueDepth", "latencyP50", "latencyP95"),
    *("latencyP99", "cost", "successRate", "decisionOutcome", "perScenario"),
)
_COUNTED = (
    *("totalRuns", "activeRuns", "completedRuns", "failedRuns", "cancelledRuns", "totalSignals", "totalTokens"),
)
_MAYBE = nullable(TEXT)

SCHEMAS: dict[str, Schema] = {
    "Chart": shape({"labels": TEXTS, "data": listed(NUMBER)}),
    "Overview": shape(
        {
            "kpis": shape(
                {**dict.fromkeys(_COUNTED, COUNT), "totalCostUsd": NUMBER, "avgDurationMs": nullable(COUNT)},
            ),
            "recentRuns": listed(
                shape(
                    {"id": UUID, "status": ref("RunStatus"), "runtimeKind": TEXT, "createdAt": MOMENT},
                    sourceRef=TEXT,
                    startedAt=MOMENT,
                    endedAt=MOMENT,
                ),
                most=10,
            ),
            "runtimeHealth": shape({"ok": BOOLEAN, "runtimeKind": TEXT}, detail=TEXT),
            "charts": shape({name: ref("Chart") for name in _CHARTS}),
        }
    ),
    "AgentMetrics": shape(
        {
            "participantId": TEXT,
            "runs": COUNT,
            "signals": COUNT,
            "messages": COUNT,
            "averageConfidence": nullable(NUMBER),
        }
    ),
    "ExportedSession": shape(
        {
            "runId": UUID,
            "runtimeKind": TEXT,
            "runtimeSessionId": _MAYBE,
            "modeName": TEXT,
            "modeVersion": _MAYBE,
            "configurationVersion": _MAYBE,
            "policyVersion": _MAYBE,
            "initiatorParticipantId": _MAYBE,
            "sessionState": TEXT,
            "expiresAt": nullable(MOMENT),
            "lastSeenAt": nullable(MOMENT),
            "capabilities": nullable(FREE),
            "metadata": FREE,
            "createdAt": MOMENT,
            "updatedAt": MOMENT,
        }
    ),
    "Bundle": shape(
        {
            "run": ref("ExportedRun"),
            "session": nullable(ref("ExportedSession")),
            "projection": ref("Projection"),
            "metrics": ref("MetricsSummary"),
            "artifacts": listed(ref("Artifact")),
            "canonicalEvents": listed(ref("Event")),
            "rawEvents": listed(ref("RawObservation")),
            "truncated": BOOLEAN,
            "exportedAt": MOMENT,
        },
        lateObservations=listed(ref("LateObservation")),
    ),
    "BundleLine": {
        "description": "One line of a bundle: `header`, then the entries, and a `footer`; without it something is missing.",
        **shape({"type": word(("header", "canonical_event", "raw_event", "late_observation", "footer"))}),
    },
}
