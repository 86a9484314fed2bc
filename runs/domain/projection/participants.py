"""Slice `participants`: who takes part, and what each of them did last. A participant's graph node follows it."""

from runs.domain.events import ENDING_TYPES, Event, EventType, JsonObject
from runs.domain.projection.handlers import Handlers
from runs.domain.projection.members import prose, text, texts
from runs.domain.projection.sketch import Sketch

_TERMINAL = frozenset({"completed", "failed", "skipped"})


def _place(sketch: Sketch, entry: JsonObject) -> None:
    """The participant is as `entry` says, and its node has the same status."""
    gone = sketch.participants.put(entry)
    if gone is not None:
        sketch.nodes.drop(str(gone["participantId"]))
    node_id, status = str(entry["participantId"]), entry["status"]
    node = sketch.nodes.get(node_id)
    if node is None:
        sketch.nodes.put({"id": node_id, "kind": "participant", "status": status})
    elif node["status"] != status:
        sketch.nodes.put({**node, "status": status})


def _activate(sketch: Sketch, participant: object, ts: str, summary: str | None) -> None:
    """The participant is active and the last one that was; an unknown one is known now."""
    if (participant_id := text(participant)) is None:
        return
    entry = dict(sketch.participants.get(participant_id) or {"participantId": participant_id})
    entry["status"] = "active"
    entry["latestActivityAt"] = ts
    if summary is not None:
        entry["latestSummary"] = summary
    _place(sketch, entry)
    sketch.presence["lastActive"] = participant_id


def _seen(sketch: Sketch, event: Event) -> None:
    if (participant_id := text(event.data.get("participantId"))) is None:
        return
    entry = dict(sketch.participants.get(participant_id) or {"participantId": participant_id, "status": "idle"})
    if "role" not in entry and (role := text(event.data.get("role"))) is not None:
        entry["role"] = role
    _place(sketch, entry)


def _received(sketch: Sketch, event: Event) -> None:
    data = event.data
    _activate(sketch, data.get("sender"), event.ts, text(data.get("messageType")))


def _sent(sketch: Sketch, event: Event) -> None:
    data = event.data
    if data.get("status") != "accepted":
        return
    _activate(sketch, data.get("sender"), event.ts, text(data.get("messageType")))
    for recipient in texts(data.get("to")):
        entry = sketch.participants.get(recipient)
        if entry is not None and recipient != data.get("sender") and entry["status"] not in _TERMINAL:
            _place(sketch, {**entry, "status": "waiting"})


def _progressed(sketch: Sketch, event: Event) -> None:
    data = event.data
    reporter = text(data.get("participantId")) or data.get("sender")
    _activate(sketch, reporter, event.ts, prose(data.get("message")))


def _worked(sketch: Sketch, event: Event) -> None:
    _activate(sketch, event.data.get("sender"), event.ts, event.type)


def _ended(sketch: Sketch, event: Event) -> None:
    failed = sketch.presence["lastActive"] if event.type == EventType.RUN_FAILED else None
    for entry in sketch.participants.listed():
        settled = "failed" if entry["participantId"] == failed else "completed"
        if entry["status"] not in _TERMINAL:
            _place(sketch, {**entry, "status": "skipped" if entry["status"] == "idle" else settled})


HANDLERS: Handlers = {
    EventType.PARTICIPANT_SEEN: _seen,
    EventType.MESSAGE_RECEIVED: _received,
    EventType.MESSAGE_SENT: _sent,
    EventType.PROGRESS_REPORTED: _progressed,
    EventType.LLM_CALL_COMPLETED: _worked,
    EventType.TOOL_CALLED: _worked,
    EventType.TOOL_COMPLETED: _worked,
    **dict.fromkeys(ENDING_TYPES, _ended),
}
