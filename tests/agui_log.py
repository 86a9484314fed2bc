"""A run told to a reader of AG-UI streams who comes at any moment of its log, without a database and without a wire."""

from collections.abc import Iterable
from datetime import datetime

import orjson

from runs.domain.agui import events as agui
from runs.domain.agui.message import conversation
from runs.domain.agui.translation import announcements, ending, opened_at, translate
from runs.domain.documents import EventRow, event_document
from runs.domain.events import Event, JsonObject
from runs.domain.projection import dump, empty, fold
from runs.domain.text import storable_object
from tests.agui import Json, Reader
from tests.run_log import RUN_ID

THREAD = "s-1"


def document_of(event: Event) -> JsonObject:
    """The event as streams show it."""
    columns = {name: getattr(event, name) for name in EventRow._fields if name not in ("created_at", "data")}
    _, data = storable_object(event.data)
    ts = datetime.fromisoformat(event.ts)
    row = EventRow(**{**columns, "ts": ts}, created_at=ts, data=data.decode())
    found: JsonObject = orjson.loads(orjson.dumps(event_document(row)))
    return found


def state_of(events: Iterable[Event], run_id: str = str(RUN_ID)) -> Json:
    """What the projection of these events shows."""
    public, _ = dump(fold(empty(run_id), list(events)))
    state: Json = orjson.loads(public)
    return state


def read_from(log: list[Event], begins_at: int, reader: Reader | None = None, ends_at: int | None = None) -> Reader:
    """A reader who came when the log had `begins_at` events, and was told the rest, up to `ends_at` or the ending."""
    reader = reader or Reader()
    reader.connect()
    run_id = str(log[0].run_id)
    state = state_of(log[:begins_at], run_id)
    opened = opened_at(run_id, state)
    messages = conversation([document_of(event) for event in log[:begins_at]], opened)
    reader.read(agui.run_started(thread_id=THREAD, run_id=run_id, asked={}))
    reader.read(agui.messages_snapshot(messages))
    reader.read({"type": "STATE_SNAPSHOT", "snapshot": state})
    for event in announcements(opened, state):
        reader.read(event)
    for event in log[begins_at:ends_at]:
        told = translate(document_of(event), opened)
        assert told, "each number has a frame that can carry it"
        for one in told:
            reader.read(one)
    if ends_at is None and log and log[-1].ends_the_run:
        certificate = log[-1].data["ending"]
        assert isinstance(certificate, dict)
        for one in ending(certificate, opened, thread_id=THREAD):
            reader.read(one)
        assert reader.has_ended
    return reader
