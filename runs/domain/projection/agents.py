"""Private slice `agents`: what every sender has said, for questions about agents across runs.

Confidence is added up in whole millionths, so that a sum does not depend on the batches it came in.
"""

from typing import cast

from runs.domain.events import Event, EventType
from runs.domain.projection.handlers import Handlers
from runs.domain.projection.members import content, number, text
from runs.domain.projection.sketch import Sketch, Tally

_MILLION = 1_000_000


def _heard(sketch: Sketch, event: Event) -> None:
    _add(sketch, event, messages=1)


def _signalled(sketch: Sketch, event: Event) -> None:
    _add(sketch, event, signals=1, confidence=_confidence(event))


def _assured(sketch: Sketch, event: Event) -> None:
    if (confidence := _confidence(event)) is not None:
        _add(sketch, event, confidence=confidence)


def _confidence(event: Event) -> float | None:
    """How sure the sender is, from 0 to 1; None where that is not said, or said otherwise."""
    found = number(content(event.data.get("decodedPayload")).get("confidence"))
    return found if found is not None and 0 <= found <= 1 else None


def _add(sketch: Sketch, event: Event, *, messages: int = 0, signals: int = 0, confidence: float | None = None) -> None:
    sender = text(event.data.get("sender"))
    if sender is None:
        return
    _, heard, signalled, assured, total = sketch.agents.get(sender) or [sender, 0, 0, 0, 0]
    if confidence is not None:
        assured, total = cast(int, assured) + 1, cast(int, total) + round(confidence * _MILLION)
    tally: Tally = [sender, cast(int, heard) + messages, cast(int, signalled) + signals, assured, total]
    sketch.agents.put(tally)


HANDLERS: Handlers = {
    EventType.MESSAGE_RECEIVED: _heard,
    EventType.SIGNAL_EMITTED: _signalled,
    EventType.PROPOSAL_CREATED: _assured,
    EventType.PROPOSAL_UPDATED: _assured,
    EventType.DECISION_FINALIZED: _assured,
}
