"""The frames of a run's stream, whatever carries them."""

from runs.api.schemas.shapes import COUNT, MOMENT, SEQ, TEXT, UUID, Schema, fixed, ref, shape

FRAMES: dict[str, Schema] = {
    "snapshot": ref("Projection"),
    "canonical_event": ref("Event"),
    "heartbeat": ref("Heartbeat"),
    "end": ref("End"),
    "error": ref("RunError"),
}

SCHEMAS: dict[str, Schema] = {
    "Heartbeat": shape({"ts": MOMENT, "lastSeq": COUNT}),
    "End": shape({"status": ref("RunStatus"), "seq": COUNT}, code=ref("EndingCode"), error=TEXT),
    "RemovedRun": shape({"id": UUID}),
}


def socket_message(name: str, data: Schema) -> Schema:
    """A frame as one text message of a WebSocket."""
    numbered = {"id": SEQ} if name == "canonical_event" else {}
    return shape({"type": fixed(name), **numbered, "data": data})
