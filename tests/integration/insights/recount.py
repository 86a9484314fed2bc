"""What insights must come to, counted from the rows of a log by the simplest means there are."""

from datetime import datetime
from uuid import UUID

import orjson

from runs.models import Event, LateObservation

Counted = dict[str, object]


def recounted(run_id: UUID) -> Counted:
    """MetricsSummary, but for the state of the session."""
    log = [(one.type, orjson.loads(one.data), one.ts) for one in Event.objects.filter(run_id=run_id).order_by("seq")]
    received = sum(kind == "message.received" for kind, _, _ in log)
    accepted = sum(kind == "message.sent" and data["status"] == "accepted" for kind, data, _ in log)
    calls = [data for kind, data, _ in log if kind == "llm.call.completed"]
    counted: Counted = {
        "runId": str(run_id),
        "eventCount": len(log),
        "messageCount": received + accepted,
        "signalCount": sum(kind == "signal.emitted" for kind, _, _ in log),
        "proposalCount": sum(kind.startswith("proposal.") for kind, _, _ in log),
        "toolCallCount": sum(kind == "tool.called" for kind, _, _ in log),
        "decisionCount": sum(kind == "decision.finalized" for kind, _, _ in log),
        "streamReconnectCount": sum(
            kind == "session.stream.opened" and data["status"] == "reconnecting" for kind, data, _ in log
        ),
        "promptTokens": sum(call["promptTokens"] for call in calls),
        "completionTokens": sum(call["completionTokens"] for call in calls),
        "totalTokens": sum(call["totalTokens"] for call in calls),
        "estimatedCostUsd": round(sum(call["estimatedCostUsd"] for call in calls), 6),
        "lateObservationCount": LateObservation.objects.filter(run_id=run_id).count(),
    }
    if log:
        first, last = _cut(log[0][2]), _cut(log[-1][2])
        counted["firstEventAt"], counted["lastEventAt"] = _shown(first), _shown(last)
        counted["durationMs"] = round((last - first).total_seconds() * 1000)
    return counted


def _cut(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
