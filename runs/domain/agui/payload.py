"""What a payload says in the terms of AG-UI: a text, the name and arguments of a tool, its result."""

import orjson

from runs.domain.events import EventType, JsonObject
from runs.domain.normaliser.members import unwrapped
from runs.domain.normaliser.vocabulary import derived_of

_TEXTS = ("text", "content", "message", "value")
_TOOL_NAMES = ("toolName", "tool_name", "name", "tool")
_ARGUMENTS = ("arguments", "args", "input", "parameters")
_RESULTS = ("result", "output", "content", "text")
# What these messages say is told by the event derived from them.
_TOLD_OTHERWISE = frozenset({EventType.PROGRESS_REPORTED, EventType.TOOL_CALLED, EventType.TOOL_COMPLETED})


def is_told_otherwise(message_type: str) -> bool:
    """True for messages that become progress or tool calls, and so no message of the conversation."""
    derived = derived_of(message_type)
    return derived is not None and derived.event_type in _TOLD_OTHERWISE


def text_of(message_type: str, payload: JsonObject) -> tuple[str, JsonObject] | None:
    """The text a message consists of and whatever stands beside it; None where it holds none.

    Messages that the protocol gives a structure (a vote, a proposal) are no text, though they may hold a reason.
    """
    derived = derived_of(message_type)
    if derived is not None and message_type != "Contribute":
        return None
    inner = payload.get("json")
    if isinstance(inner, str):
        return (inner, {}) if inner else None
    if payload.get("encoding") == "text":
        payload = {"text": payload.get("text")}
    members = unwrapped(payload)
    for name in _TEXTS:
        value = members.get(name)
        if isinstance(value, str) and value:
            return value, {other: members[other] for other in members if other != name}
    return None


def tool_name(payload: JsonObject) -> str:
    """The name of the called tool, `tool` where the agent gave none."""
    members = unwrapped(payload)
    names = (value for name in _TOOL_NAMES if isinstance(value := members.get(name), str) and value)
    return next(names, "tool")


def tool_arguments(payload: JsonObject) -> str:
    """The arguments of the call as JSON text: the member that holds them, or everything the agent wrote."""
    members = unwrapped(payload)
    return _json(next((members[name] for name in _ARGUMENTS if isinstance(members.get(name), dict)), members))


def tool_result(payload: JsonObject) -> str:
    """What the tool answered, as text: the member that holds it, or everything the agent wrote."""
    members = unwrapped(payload)
    found = next((members[name] for name in _RESULTS if members.get(name) is not None), members)
    return found if isinstance(found, str) else _json(found)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
