"""Two runs side by side. Differences are the right one's less the left one's: what was added is only in the right one."""

from collections.abc import Mapping
from typing import cast
from uuid import UUID

from runs import queries
from runs.domain.events import Event, EventType, JsonObject
from runs.domain.projection import ProjectionState, empty, fold, metrics_summary
from runs.domain.projection.bounds import SIGNALS
from runs.queries.events import EventFilter, event_value
from runs.queries.snapshot import snapshot

_PLACES = 6  # of a confidence; what lies behind them is what floats are made of
_PAGE = 1000


def compare(project_id: UUID, left_id: UUID, right_id: UUID) -> JsonObject:
    """The answer of POST /runs/compare, both runs as they were at one moment. Raises RunNotFound."""
    with snapshot():
        left, right = _Side(project_id, left_id), _Side(project_id, right_id)
        document: JsonObject = {"left": left.document(), "right": right.document()}
        document["statusMatch"] = left.status == right.status
        document |= _deltas(left, right)
        document["participantsDiff"] = {
            **_difference(left.participants, right.participants),
            "common": sorted(left.participants & right.participants),
        }
        document["signalsDiff"] = _difference(left.signals(), right.signals())
        return document


class _Side:
    """One of the two runs."""

    def __init__(self, project_id: UUID, run_id: UUID) -> None:
        self._project_id, self._run_id = project_id, run_id
        self._state = queries.state_of(project_id, run_id)
        self._run = _section(self._state, "run")
        self.status = self._run["status"]
        self.duration_ms = cast(int | None, metrics_summary(self._state).get("durationMs"))
        decision = cast(JsonObject, _section(self._state, "decision").get("current") or {})
        self.confidence = cast(float | None, decision.get("confidence"))
        participants = cast("list[dict[str, str]]", self._state.public["participants"])
        self.participants = {one["participantId"] for one in participants}

    def document(self) -> JsonObject:
        """The run as the answer names it."""
        optional = {"modeName": self._run.get("modeName"), "durationMs": self.duration_ms}
        given = {name: value for name, value in optional.items() if value is not None}
        return {"runId": str(self._run_id), "status": self.status, **given}

    def signals(self) -> set[str]:
        """The names of all its signals; a state that has had to let old ones go leaves the log to be read."""
        kept = _signal_names(self._state)
        if len(kept) < SIGNALS:
            return set(kept)
        names: set[str] = set()
        emitted, after = EventFilter(types=(EventType.SIGNAL_EMITTED,)), 0
        while rows := queries.filtered_events(self._project_id, self._run_id, emitted, after=after, limit=_PAGE):
            for row in rows:
                names.update(_named_by(event_value(row)))
            after = rows[-1].seq
        return names


def _named_by(event: Event) -> list[str]:
    """The name of the signal as a state shows it."""
    return _signal_names(fold(empty(str(event.run_id)), [event]))


def _signal_names(state: ProjectionState) -> list[str]:
    signals = cast("list[dict[str, str]]", _section(state, "signals")["signals"])
    return [signal["name"] for signal in signals]


def _deltas(left: _Side, right: _Side) -> JsonObject:
    """What both have is compared; the rest is left out."""
    deltas: JsonObject = {}
    if left.duration_ms is not None and right.duration_ms is not None:
        deltas["durationDeltaMs"] = right.duration_ms - left.duration_ms
    if left.confidence is not None and right.confidence is not None:
        deltas["confidenceDelta"] = round(right.confidence - left.confidence, _PLACES)
    return deltas


def _difference(left: set[str], right: set[str]) -> JsonObject:
    return {"added": sorted(right - left), "removed": sorted(left - right)}


def _section(state: ProjectionState, name: str) -> Mapping[str, object]:
    return cast(JsonObject, state.public[name])
