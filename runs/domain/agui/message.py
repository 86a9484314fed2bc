"""Messages of the conversation, as a snapshot holds them and as they are streamed: the one is made of the other.

A message has the id of the event it was made of, so it is the same message for whoever comes at any time, and nobody
is sent its text twice.
"""

from collections.abc import Iterable
from typing import cast

from runs.domain.agui import payload
from runs.domain.agui.opened import Opened
from runs.domain.events import EventType, JsonObject
from runs.domain.projection.members import present, text

MESSAGE_TYPES = (EventType.MESSAGE_RECEIVED, EventType.TOOL_CALLED, EventType.TOOL_COMPLETED)


def message_of(document: JsonObject, opened: Opened) -> JsonObject | None:
    """The message that an event of the log is, None where it is none; a call of a tool is open until its result."""
    match document["type"]:
        case EventType.MESSAGE_RECEIVED:
            return _said(document, opened)
        case EventType.TOOL_CALLED:
            return _call(document, opened)
        case EventType.TOOL_COMPLETED:
            return _result(document, opened)
    return None


def conversation(documents: Iterable[JsonObject], opened: Opened) -> list[JsonObject]:
    """The messages among these events in their order, a result directly after its call; their speakers are there."""
    messages: list[JsonObject] = []
    for document in documents:
        if (speaker := speaker_of(document)) is not None:
            opened.enter(speaker)
        if (message := message_of(document, opened)) is not None:
            messages.insert(_place(message, messages), message)
    return messages


def streamed(message: JsonObject) -> list[JsonObject]:
    """The events that make this message at whoever reads them."""
    owner = present(subagentRunId=message.get("subagentRunId"))
    match message["role"]:
        case "activity":
            told = {name: message[name] for name in ("activityType", "content", "metadata")}
            return [{"type": "ACTIVITY_SNAPSHOT", "messageId": message["id"], **told, **owner}]
        case "tool":
            told = {name: message[name] for name in ("toolCallId", "content", "role", "metadata")}
            return [{"type": "TOOL_CALL_RESULT", "messageId": message["id"], **told, **owner}]
    if "toolCalls" in message:
        return _streamed_call(message, owner)
    head = {"role": "assistant", **present(name=message.get("name")), "metadata": message["metadata"]}
    return [
        {"type": "TEXT_MESSAGE_START", "messageId": message["id"], **head, **owner},
        {"type": "TEXT_MESSAGE_CONTENT", "messageId": message["id"], "delta": message["content"], **owner},
        {"type": "TEXT_MESSAGE_END", "messageId": message["id"], **owner},
    ]


def speaker_of(document: JsonObject) -> str | None:
    """The participant whose doing the event is."""
    if document["type"] in _OURS:
        return None
    data = data_of(document)
    return text(data.get("participantId")) or text(data.get("sender"))


# What becomes of our own messages: whoever they are sent for says nothing until the runtime has taken them.
_OURS = frozenset(
    {
        EventType.MESSAGE_QUEUED,
        EventType.MESSAGE_SENT,
        EventType.MESSAGE_SEND_FAILED,
        EventType.MESSAGE_ANSWERED,
        EventType.MESSAGE_UNANSWERED,
    }
)


def data_of(document: JsonObject) -> JsonObject:
    """What the event says."""
    return _object(document.get("data"))


def _said(document: JsonObject, opened: Opened) -> JsonObject | None:
    data = data_of(document)
    message_type = text(data.get("messageType")) or ""
    if payload.is_told_otherwise(message_type):
        return None
    found = payload.text_of(message_type, _object(data.get("payload")))
    if found is None:
        return _head(document, opened, "activity") | {"activityType": _activity(data), "content": data}
    content, rest = found
    named = present(name=text(data.get("sender")))
    return _head(document, opened, "assistant", payload=rest or None) | named | {"content": content}


def _call(document: JsonObject, opened: Opened) -> JsonObject | None:
    known_as = _tool_call(document)
    if known_as in opened.calls:  # an agent may announce a call before it makes it
        return None
    call_id = opened.call(known_as, f"call-{document['id']}")
    said = _object(data_of(document).get("decodedPayload"))
    function = {"name": payload.tool_name(said), "arguments": payload.tool_arguments(said)}
    head = _head(document, opened, "assistant", toolCallId=known_as)
    metadata = head.pop("metadata")
    return head | {"toolCalls": [{"id": call_id, "type": "function", "function": function, "metadata": metadata}]}


def _result(document: JsonObject, opened: Opened) -> JsonObject | None:
    call_id = opened.calls.pop(_tool_call(document), None)
    if call_id is None:  # the call is none that the reader was told of, or was answered before
        return None
    content = payload.tool_result(_object(data_of(document).get("decodedPayload")))
    return _head(document, opened, "tool") | {"toolCallId": call_id, "content": content}


def _streamed_call(message: JsonObject, owner: JsonObject) -> list[JsonObject]:
    [call] = cast("list[dict[str, JsonObject]]", message["toolCalls"])
    same: JsonObject = {"toolCallId": call["id"], **owner}
    named = {"toolCallName": call["function"]["name"], "parentMessageId": message["id"], "metadata": call["metadata"]}
    return [
        {"type": "TOOL_CALL_START", **named, **same},
        {"type": "TOOL_CALL_ARGS", "delta": call["function"]["arguments"], **same},
        {"type": "TOOL_CALL_END", **same},
    ]


def _place(message: JsonObject, messages: list[JsonObject]) -> int:
    # Readers put a result where its call stands, whenever it comes.
    if message["role"] != "tool":
        return len(messages)
    for place in range(len(messages) - 1, -1, -1):
        calls = cast("list[JsonObject]", messages[place].get("toolCalls", []))
        if any(call["id"] == message["toolCallId"] for call in calls):
            return place + 1
    raise AssertionError("a result follows a call that was told")


def _head(document: JsonObject, opened: Opened, role: str, **more: object) -> JsonObject:
    data = data_of(document)
    origin = present(
        seq=document["seq"],
        messageType=text(data.get("messageType")),
        messageId=text(data.get("messageId")),
        **more,
    )
    speaker = speaker_of(document)
    owner = present(subagentRunId=speaker and opened.subagent(speaker))
    return {"id": document["id"], "role": role, **owner, "metadata": {"signalbox": origin}}


def _activity(data: JsonObject) -> str:
    mode = text(data.get("modeName")) or "message"
    return f"macp.{mode.removeprefix('macp.mode.').removeprefix('macp.')}"


def _tool_call(document: JsonObject) -> str:
    named = text(_object(document.get("subject")).get("id")) or text(data_of(document).get("messageId"))
    return named or str(document["id"])


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}
