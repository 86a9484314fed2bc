"""Slice `outboundMessages`: how many messages went into the run, and how they fared."""

from runs.domain.events import Event, EventType
from runs.domain.projection.handlers import Handlers
from runs.domain.projection.members import text
from runs.domain.projection.sketch import Sketch

_STATUSES = frozenset({"queued", "sent", "accepted", "rejected", "failed"})


def _moved(sketch: Sketch, event: Event) -> None:
    """The message is counted under its new status alone; one that nobody counted before is new."""
    status, previous = text(event.data.get("status")), event.data.get("previousStatus")
    if status not in _STATUSES or not (previous is None or (isinstance(previous, str) and previous in _STATUSES)):
        return
    outbound = sketch.outbound
    if previous is not None and outbound[previous] > 0:
        outbound[previous] -= 1
    else:
        outbound["total"] += 1
    outbound[status] += 1
    if status == "accepted" != previous and text(event.data.get("replyDeadlineAt")) is not None:
        outbound["awaitingReply"] += 1


def _settle(sketch: Sketch, fate: str) -> None:
    if sketch.outbound["awaitingReply"] > 0:
        sketch.outbound["awaitingReply"] -= 1
        sketch.outbound[fate] += 1


def _answered(sketch: Sketch, event: Event) -> None:
    _settle(sketch, "answered")


def _unanswered(sketch: Sketch, event: Event) -> None:
    _settle(sketch, "unanswered")


HANDLERS: Handlers = {
    EventType.MESSAGE_QUEUED: _moved,
    EventType.MESSAGE_SENT: _moved,
    EventType.MESSAGE_SEND_FAILED: _moved,
    EventType.MESSAGE_ANSWERED: _answered,
    EventType.MESSAGE_UNANSWERED: _unanswered,
}
