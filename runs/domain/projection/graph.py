"""Slice `graph`: who spoke to whom, and through which stages the decision went.

Nodes of participants are kept by the participants slice; here are the four lifecycle nodes and all edges.
"""

from runs.domain.events import ENDING_TYPES, Event, EventType, JsonObject
from runs.domain.projection import bounds
from runs.domain.projection.handlers import Handlers
from runs.domain.projection.members import content, first_text, text, texts
from runs.domain.projection.sketch import Sketch
from runs.domain.projection.votes import vote_of

START, PROPOSAL, DECISION, OUTCOME = "__start", "__proposal", "__decision", "__outcome"
_STAGES = {START: "start", PROPOSAL: "proposal", DECISION: "decision", OUTCOME: "output"}
_ORDER = tuple(_STAGES)

_OPINIONS = dict.fromkeys(
    ("vote", "accept", "approve", "reject", "abstain", "taskaccept", "taskreject", "handoffaccept", "handoffdecline"),
    "vote",
) | {"evaluation": "evaluation", "objection": "objection"}

_TARGETS = ("requestedAssignee", "requested_assignee", "targetParticipant", "target_participant")


def _draw(sketch: Sketch, source: str, target: str, kind: str, ts: str) -> None:
    sketch.edges.put_last({"from": source, "to": target, "kind": kind, "ts": ts})


def _draw_fan(sketch: Sketch, source: str, targets: list[str], kind: str, ts: str) -> None:
    # Earlier ones would be pushed out by these anyway.
    for target in targets[-bounds.EDGES :]:
        _draw(sketch, source, target, kind, ts)


def _set_status(sketch: Sketch, stage: str, status: str) -> None:
    node = sketch.nodes.get(stage)
    if node is not None and node["status"] == "active":
        sketch.nodes.put({**node, "status": status})


def _begin(sketch: Sketch, stage: str) -> None:
    """The stage has a node and those before it are complete; a stage found out of turn is complete itself."""
    if sketch.nodes.get(stage) is not None:
        return
    position = _ORDER.index(stage)
    overtaken = any(sketch.nodes.get(later) for later in _ORDER[position + 1 :])
    status = "completed" if overtaken else "active"
    sketch.nodes.put({"id": stage, "kind": _STAGES[stage], "status": status})
    for earlier in _ORDER[:position]:
        _set_status(sketch, earlier, "completed")


def _bound(sketch: Sketch, event: Event) -> None:
    _begin(sketch, START)
    if (initiator := text(event.data.get("initiator"))) is None:
        return
    _draw(sketch, START, initiator, "session.bound", event.ts)
    others = [other for other in texts(event.data.get("participants")) if other != initiator]
    _draw_fan(sketch, initiator, others, "fanout", event.ts)


def _queued(sketch: Sketch, event: Event) -> None:
    """The echo names no recipients, so they are remembered by message id until it comes."""
    message_id, to = text(event.data.get("messageId")), texts(event.data.get("to"), bounds.RECIPIENTS)
    if message_id is not None and to:
        sketch.recipients.put([message_id, to])


def _sent(sketch: Sketch, event: Event) -> None:
    data = event.data
    _queued(sketch, event)
    sender, kind = text(data.get("sender")), text(data.get("messageType"))
    if sender is None or data.get("status") != "accepted":
        return
    recipients = texts(data.get("to"), bounds.RECIPIENTS)
    for recipient in recipients:
        _draw(sketch, sender, recipient, "message.sent", event.ts)
        if kind is not None:
            _draw(sketch, sender, recipient, kind, event.ts)


def _send_failed(sketch: Sketch, event: Event) -> None:
    if (message_id := text(event.data.get("messageId"))) is not None:
        sketch.recipients.drop(message_id)


def _received(sketch: Sketch, event: Event) -> None:
    data = event.data
    sender, kind = text(data.get("sender")), text(data.get("messageType"))
    if sender is None or kind is None:
        return
    awaited = sketch.recipients.drop(message_id) if (message_id := text(data.get("messageId"))) else None
    named = first_text(content(data.get("payload")), *_TARGETS)
    if awaited is not None:
        _draw_fan(sketch, sender, texts(awaited[1]), kind, event.ts)
    elif named is not None:
        _draw(sketch, sender, named, kind, event.ts)


def _proposed(sketch: Sketch, event: Event) -> None:
    _begin(sketch, PROPOSAL)
    if (sender := text(event.data.get("sender"))) is None:
        return
    _draw(sketch, sender, PROPOSAL, "proposes", event.ts)
    known = [str(entry["participantId"]) for entry in sketch.participants.listed()]
    _draw_fan(sketch, PROPOSAL, [other for other in known if other != sender], "review", event.ts)


def opinion(data: JsonObject) -> str | None:
    """How an answer to a proposal is drawn: `vote`, `evaluation`, `objection` or not at all (None)."""
    kind = _OPINIONS.get((text(data.get("messageType")) or "").lower())
    return kind or ("vote" if vote_of(data) else None)


def _answered(sketch: Sketch, event: Event) -> None:
    if (kind := opinion(event.data)) is None:
        return
    _begin(sketch, DECISION)
    if (sender := text(event.data.get("sender"))) is not None:
        _draw(sketch, sender, DECISION, kind, event.ts)


def _finalized(sketch: Sketch, event: Event) -> None:
    _begin(sketch, DECISION)
    _begin(sketch, OUTCOME)
    if (sender := text(event.data.get("sender"))) is not None:
        _draw(sketch, sender, OUTCOME, "commits", event.ts)
    _draw(sketch, DECISION, OUTCOME, "commits", event.ts)


def _ended(sketch: Sketch, event: Event) -> None:
    _begin(sketch, OUTCOME)
    _set_status(sketch, OUTCOME, "failed" if event.type == EventType.RUN_FAILED else "completed")


HANDLERS: Handlers = {
    EventType.SESSION_BOUND: _bound,
    EventType.MESSAGE_QUEUED: _queued,
    EventType.MESSAGE_SENT: _sent,
    EventType.MESSAGE_SEND_FAILED: _send_failed,
    EventType.MESSAGE_RECEIVED: _received,
    EventType.PROPOSAL_CREATED: _proposed,
    EventType.PROPOSAL_UPDATED: _answered,
    EventType.DECISION_FINALIZED: _finalized,
    **dict.fromkeys(ENDING_TYPES, _ended),
}
