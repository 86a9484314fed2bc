"""The frames of a run's stream, whatever carries them."""

from runs.api.schemas.shapes import COUNT, MOMENT, SEQ, TEXT, UUID, Schema, fixed, ref, shape, word

FRAMES: dict[str, Schema] = {
    "snapshot": ref("Projection"),
    "canonical_event": ref("Event"),
    "heartbeat": ref("Heartbeat"),
    "end": ref("End"),
    "error": ref("RunError"),
}

# Those of the stream that follows a list of runs.
LIST_FRAMES: dict[str, Schema] = {
    "snapshot": ref("RunList"),
    "run": ref("RunSummary"),
    "run_removed": ref("RemovedRun"),
    "heartbeat": ref("ListHeartbeat"),
    "error": ref("RunError"),
}

AGUI_TYPES = (
    *("RUN_STARTED", "RUN_FINISHED", "RUN_ERROR", "STEP_STARTED", "STEP_FINISHED"),
    *("TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END"),
    *("TOOL_CALL_START", "TOOL_CALL_ARGS", "TOOL_CALL_END", "TOOL_CALL_RESULT"),
    *("STATE_SNAPSHOT", "MESSAGES_SNAPSHOT", "ACTIVITY_SNAPSHOT", "SUBAGENT_STARTED", "SUBAGENT_FINISHED", "CUSTOM"),
)

SCHEMAS: dict[str, Schema] = {
    "Heartbeat": shape({"ts": MOMENT, "lastSeq": COUNT}),
    "End": shape({"status": ref("RunStatus"), "seq": COUNT}, code=ref("EndingCode"), error=TEXT),
    "ListHeartbeat": shape({"ts": MOMENT}),
    "RemovedRun": shape({"id": UUID}),
    # Its members are those of AG-UI 1.0, for whose readers it is written: docs/agui.md.
    "AguiEvent": {
        "type": "object",
        "required": ["type"],
        "properties": {"type": word(AGUI_TYPES)},
        "additionalProperties": True,
    },
}


def socket_message(name: str, data: Schema) -> Schema:
    """A frame as one text message of a WebSocket."""
    numbered = {"id": SEQ} if name == "canonical_event" else {}
    return shape({"type": fixed(name), **numbered, "data": data})
