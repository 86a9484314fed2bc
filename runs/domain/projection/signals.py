"""Slice `signals`: what participants called out beside the conversation, and who took notice."""

import orjson

from runs.domain.events import Event, EventType
from runs.domain.projection import bounds
from runs.domain.projection.handlers import Handlers
from runs.domain.projection.members import content, first_text, number, present, text
from runs.domain.projection.sketch import Sketch


def _payload(decoded: object) -> object:
    """The signal's data as JSON, or None where it is too large to be kept."""
    try:
        written = orjson.dumps(decoded)
    except TypeError:
        return None
    return orjson.loads(written) if len(written) <= bounds.SIGNAL_PAYLOAD_BYTES else None


def _emitted(sketch: Sketch, event: Event) -> None:
    data, decoded = event.data, content(event.data.get("decodedPayload"))
    signal_id, sender = text(event.subject_id), text(data.get("sender"))
    name = first_text(decoded, "signalType", "signal_type") or text(data.get("messageType"))
    if signal_id is None or sender is None or name is None:
        return
    parsed = decoded.get("dataJson")
    sketch.signals.put(
        present(
            id=signal_id,
            name=name,
            severity=text(decoded.get("severity")) or text(content(parsed).get("severity")),
            sourceParticipantId=sender,
            ts=event.ts,
            confidence=number(decoded.get("confidence")),
            payload=_payload(decoded.get("data") if parsed is None else parsed),
        )
    )


def _acknowledged(sketch: Sketch, event: Event) -> None:
    entry = sketch.signals.get(event.subject_id or "")
    if entry is not None:
        by = present(acknowledgedBy=text(event.data.get("sender")))
        sketch.signals.put({**entry, "acknowledgedAt": event.ts, **by})


HANDLERS: Handlers = {
    EventType.SIGNAL_EMITTED: _emitted,
    EventType.SIGNAL_ACKNOWLEDGED: _acknowledged,
}
