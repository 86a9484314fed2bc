"""A reader of AG-UI streams that lets nothing pass: each event as the protocol's own models have it, each in its place."""

from typing import Any

import orjson
from ag_ui.core import Event
from pydantic import BaseModel, TypeAdapter

_EVENTS: TypeAdapter[Event] = TypeAdapter(Event)
_OPENS = {"SUBAGENT_STARTED", "STEP_STARTED", "TEXT_MESSAGE_START", "TOOL_CALL_START"}
_CLOSES = {
    "SUBAGENT_FINISHED": "SUBAGENT_STARTED",
    "STEP_FINISHED": "STEP_STARTED",
    "TEXT_MESSAGE_END": "TEXT_MESSAGE_START",
    "TOOL_CALL_END": "TOOL_CALL_START",
}
_GOES_ON = {"TEXT_MESSAGE_CONTENT": "TEXT_MESSAGE_START", "TOOL_CALL_ARGS": "TOOL_CALL_START"}
_TERMINAL = {"RUN_FINISHED", "RUN_ERROR"}

Json = dict[str, Any]


def parsed(event: object) -> Json:
    """The event as it arrives: valid by the published models, with nothing they do not know and no null for absence."""
    text = orjson.dumps(event)
    model = _EVENTS.validate_json(text, strict=True)
    _assert_nothing_unknown(model)
    arrived: Json = orjson.loads(text)
    assert model.model_dump(mode="json", by_alias=True) == arrived, "an optional is null, or a value was coerced"
    return arrived


def _assert_nothing_unknown(value: object) -> None:
    if isinstance(value, BaseModel):
        assert not value.model_extra, f"{type(value).__name__} has no {list(value.model_extra or ())}"
        for name in type(value).model_fields:
            _assert_nothing_unknown(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            _assert_nothing_unknown(item)


class Reader:
    """A front end: what it was told in one connection, checked event by event, and what it shows after all of them."""

    def __init__(self) -> None:
        self.messages: list[Json] = []  # kept over connections
        self.state: object = None
        self.texts_streamed: list[str] = []  # ids, over all connections
        self.connect()

    def connect(self) -> None:
        """A new connection begins; what is shown stays until a snapshot replaces it."""
        self.types: list[str] = []
        self._open: dict[tuple[str, str, str | None], None] = {}
        self._subagents: set[str] = set()
        self._thread: tuple[str, str] | None = None

    @property
    def has_ended(self) -> bool:
        """True once the connection has brought the end of the run."""
        return bool(self.types) and self.types[-1] in _TERMINAL

    def read(self, event: object) -> None:
        """The event is valid where it stands, and shown."""
        arrived = parsed(event)
        kind = arrived["type"]
        assert not self.has_ended, f"{kind} after {self.types[-1]}"
        assert (kind == "RUN_STARTED") == (not self.types), f"{kind} after {self.types[-3:]}"
        self._assert_owner_is_there(kind, arrived)
        self._assert_in_order(kind, arrived)
        self.types.append(kind)
        self._show(kind, arrived)

    def _assert_owner_is_there(self, kind: str, event: Json) -> None:
        subagent = event.get("subagentRunId")
        if subagent is None:
            return
        if kind == "SUBAGENT_STARTED":
            assert subagent not in self._subagents, f"{subagent} is announced twice"
            self._subagents.add(subagent)
        else:
            assert ("SUBAGENT_STARTED", subagent, None) in self._open, f"{kind} of {subagent}, who is not there"

    def _assert_in_order(self, kind: str, event: Json) -> None:
        if kind in _OPENS:
            key = _key(kind, event)
            assert key not in self._open, f"{key} is open already"
            self._open[key] = None
        elif kind in _GOES_ON:
            assert _key(_GOES_ON[kind], event) in self._open, f"{kind} of what is not open"
        elif kind in _CLOSES:
            key = _key(_CLOSES[kind], event)
            assert key in self._open, f"{key} is not open"
            del self._open[key]
        if kind == "SUBAGENT_FINISHED":
            mine = [key for key in self._open if key[2] == event["subagentRunId"]]
            assert not mine, f"{mine} outlive their subagent"
        if kind == "RUN_FINISHED":
            assert not self._open, f"still open: {list(self._open)}"
            assert self._thread == (event["threadId"], event["runId"])

    def _show(self, kind: str, event: Json) -> None:
        if kind == "RUN_STARTED":
            self._thread = (event["threadId"], event["runId"])
            assert event["input"]["messages"] == []
        elif kind == "MESSAGES_SNAPSHOT":
            self.messages = event["messages"]
            ids = [message["id"] for message in self.messages]
            assert len(ids) == len(set(ids))
        elif kind == "STATE_SNAPSHOT":
            self.state = event["snapshot"]
        else:
            self._show_message(kind, event)

    def _show_message(self, kind: str, event: Json) -> None:
        owner = {"subagentRunId": event["subagentRunId"]} if "subagentRunId" in event else {}
        match kind:
            case "TEXT_MESSAGE_START":
                head = {name: event[name] for name in ("role", "name", "metadata") if name in event}
                self._add({"id": event["messageId"], **head, **owner, "content": ""})
                self.texts_streamed.append(event["messageId"])
            case "TEXT_MESSAGE_CONTENT":
                assert event["delta"]
                self._message(event["messageId"])["content"] += event["delta"]
            case "TOOL_CALL_START":
                function = {"name": event["toolCallName"], "arguments": ""}
                call = {"id": event["toolCallId"], "type": "function", "function": function}
                call["metadata"] = event["metadata"]
                self._add({"id": event["parentMessageId"], "role": "assistant", **owner, "toolCalls": [call]})
            case "TOOL_CALL_ARGS":
                [call] = self._holder(event["toolCallId"])["toolCalls"]
                call["function"]["arguments"] += event["delta"]
            case "TOOL_CALL_END":
                [call] = self._holder(event["toolCallId"])["toolCalls"]
                orjson.loads(call["function"]["arguments"])
            case "TOOL_CALL_RESULT":
                told = {name: event[name] for name in ("role", "content", "toolCallId", "metadata")}
                place = self.messages.index(self._holder(event["toolCallId"])) + 1
                self._add({"id": event["messageId"], **told, **owner}, place)
            case "ACTIVITY_SNAPSHOT":
                told = {name: event[name] for name in ("activityType", "content", "metadata")}
                self._add({"id": event["messageId"], "role": "activity", **told, **owner})

    def _add(self, message: Json, place: int | None = None) -> None:
        assert all(shown["id"] != message["id"] for shown in self.messages), f"{message['id']} is told twice"
        self.messages.insert(len(self.messages) if place is None else place, message)

    def _message(self, message_id: str) -> Json:
        [found] = [message for message in self.messages if message["id"] == message_id]
        return found

    def _holder(self, call_id: str) -> Json:
        [found] = [one for one in self.messages if any(call["id"] == call_id for call in one.get("toolCalls", []))]
        return found


def _key(opener: str, event: Json) -> tuple[str, str, str | None]:
    if opener == "SUBAGENT_STARTED":
        return opener, event["subagentRunId"], None
    name = {"STEP_STARTED": "stepName", "TEXT_MESSAGE_START": "messageId", "TOOL_CALL_START": "toolCallId"}[opener]
    return opener, event[name], event.get("subagentRunId")
