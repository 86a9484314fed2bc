"""Private slice `metrics`: everything that is counted for a run, and the two summaries made of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from runs.domain.events import Event, EventType, JsonObject
from runs.domain.projection.handlers import Handlers
from runs.domain.projection.members import present
from runs.domain.projection.sketch import Sketch
from runs.domain.projection.state import ProjectionState

_COUNTED = {
    EventType.MESSAGE_RECEIVED: "messageCount",
    EventType.MESSAGE_SENT: "messageCount",
    EventType.SIGNAL_EMITTED: "signalCount",
    EventType.PROPOSAL_CREATED: "proposalCount",
    EventType.PROPOSAL_UPDATED: "proposalCount",
    EventType.DECISION_FINALIZED: "decisionCount",
    EventType.TOOL_CALLED: "toolCallCount",
    EventType.ARTIFACT_CREATED: "artifactCount",
    EventType.SESSION_STREAM_OPENED: "streamReconnectCount",
}
_SUMMARISED = (
    "eventCount",
    "messageCount",
    "signalCount",
    "proposalCount",
    "toolCallCount",
    "decisionCount",
    "streamReconnectCount",
)
_TOTALS = ("promptTokens", "completionTokens", "totalTokens", "estimatedCostUsd")


def note(sketch: Sketch, log: Sequence[Event]) -> None:
    """Every event is counted, and the first and the last one are dated."""
    metrics = sketch.metrics
    metrics["eventCount"] = cast(int, metrics["eventCount"]) + len(log)
    metrics["firstEventTs"] = metrics["firstEventTs"] or log[0].ts
    metrics["lastEventTs"] = log[-1].ts


def _count(sketch: Sketch, event: Event) -> None:
    counter = _COUNTED[EventType(event.type)]
    sketch.metrics[counter] = cast(int, sketch.metrics[counter]) + 1


def _sent(sketch: Sketch, event: Event) -> None:
    if event.data.get("status") == "accepted":
        _count(sketch, event)


def _stream_opened(sketch: Sketch, event: Event) -> None:
    if event.data.get("status") == "reconnecting":
        _count(sketch, event)


def _finalized(sketch: Sketch, event: Event) -> None:
    _count(sketch, event)
    current = cast(JsonObject, sketch.decision["current"])
    sketch.metrics["finalAction"] = current["action"]
    sketch.metrics["finalConfidence"] = current.get("confidence")


HANDLERS: Handlers = {
    **dict.fromkeys(_COUNTED, _count),
    EventType.MESSAGE_SENT: _sent,
    EventType.SESSION_STREAM_OPENED: _stream_opened,
    EventType.DECISION_FINALIZED: _finalized,
}


def _duration_ms(metrics: JsonObject) -> int | None:
    first, last = metrics["firstEventTs"], metrics["lastEventTs"]
    if not isinstance(first, str) or not isinstance(last, str):
        return None
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)) // timedelta(milliseconds=1)


def metrics_summary(state: ProjectionState) -> JsonObject:
    """MetricsSummary of a run, but for `lateObservationCount`: late observations are no events."""
    metrics = cast(JsonObject, state.private["metrics"])
    totals = cast(JsonObject, cast(JsonObject, state.public["llm"])["totals"])
    return {
        "runId": cast(JsonObject, state.public["run"])["runId"],
        **{member: metrics[member] for member in _SUMMARISED},
        **{member: totals[member] for member in _TOTALS},
        **present(
            firstEventAt=metrics["firstEventTs"],
            lastEventAt=metrics["lastEventTs"],
            durationMs=_duration_ms(metrics),
            sessionState=cast(JsonObject, state.private["context"])["sessionState"],
        ),
    }


def final_metadata(state: ProjectionState) -> JsonObject:
    """What `metadata` of a run gains when it has ended; null where no decision was made."""
    metrics = cast(JsonObject, state.private["metrics"])
    counts = ("eventCount", "signalCount", "decisionCount", "finalAction", "finalConfidence")
    return {"durationMs": _duration_ms(metrics), **{member: metrics[member] for member in counts}}
