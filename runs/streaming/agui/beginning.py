"""What a stream of AG-UI events begins with, read from the rows."""

from dataclasses import dataclass
from uuid import UUID

import orjson

from runs.domain.agui import events
from runs.domain.agui.message import conversation
from runs.domain.agui.opened import Opened
from runs.domain.agui.translation import announcements, opened_at
from runs.domain.documents import run_document
from runs.domain.events import JsonObject
from runs.queries.runs import run_row
from runs.streaming.agui.recent import recent_documents

# What is public of a request: what it was validated to is never shown, `metadata` is a redacted copy.
_ASKED = (
    "mode",
    "modeName",
    "runtimeKind",
    "runtimeVersion",
    "sessionOpener",
    "sourceKind",
    "sourceRef",
    "tags",
    "metadata",
)


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first events of a stream, where the log stands then, and what is open from there on."""

    events: list[JsonObject]
    seq: int
    has_ended: bool
    opened: Opened
    thread_id: str


def beginning(run_id: UUID, project_id: UUID, state_text: bytes) -> Beginning:
    """The beginning of a stream where the run is in this state; its messages are those up to the same event.

    Raises RunNotFound once the run is gone.
    """
    state = orjson.loads(state_text)
    seq = int(state["timeline"]["latestSeq"])
    run = run_document(run_row(project_id, run_id))
    thread_id = str(run["runtimeSessionId"] or run_id)
    opened = opened_at(str(run_id), state)
    messages = conversation(recent_documents(run_id, seq), opened)
    asked = {name: run[name] for name in _ASKED if run[name] is not None}
    return Beginning(
        events=[
            events.run_started(thread_id=thread_id, run_id=str(run_id), asked=asked),
            events.messages_snapshot(messages),
            state_snapshot(state_text),
            *announcements(opened, state),
        ],
        seq=seq,
        has_ended="ending" in state["run"],
        opened=opened,
        thread_id=thread_id,
    )


def state_snapshot(state_text: bytes) -> JsonObject:
    """The state as it is stored, byte for byte."""
    return {"type": "STATE_SNAPSHOT", "snapshot": orjson.Fragment(state_text)}
