"""What an event says, in words a person understands. Agent text comes out without control characters."""

import unicodedata
from collections.abc import Callable, Mapping

JsonObject = Mapping[str, object]

LONGEST_QUOTE = 120
# Controls move the cursor or recolour the screen, format characters turn text around or hide it.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"})
_REASONS = ("reason", "rationale", "summary", "message", "instructions", "text", "note")
_PROPOSALS = ("title", "option", "action", "proposalId", "requestId", "taskId", "handoffId")

_UPDATES = {
    "Vote": "votes {vote}",
    "Evaluation": "evaluates: {recommendation}",
    "Objection": "objects",
    "Accept": "accepts",
    "Reject": "rejects",
    "Withdraw": "withdraws",
    "Approve": "approves",
    "Abstain": "abstains",
    "TaskAccept": "accepts the task",
    "TaskReject": "rejects the task",
    "TaskUpdate": "works on the task",
    "TaskComplete": "completes the task",
    "TaskFail": "fails the task",
    "HandoffContext": "hands over context",
    "HandoffAccept": "accepts the handoff",
    "HandoffDecline": "declines the handoff",
    "Contribute": "contributes",
}


def plain(value: object) -> str:
    """`value` as text of one line without control, format or unassigned characters."""
    spaced = "".join(" " if character in "\t\r\n" else character for character in str(value))
    return "".join(character for character in spaced if unicodedata.category(character) not in _UNPRINTABLE)


def speaker(event: JsonObject) -> str:
    """Who did it: the participant, or the part of the system that wrote the event."""
    data = _object(event, "data")
    return _text(data, "sender", "participantId") or _text(_object(event, "source"), "name") or "?"


def words(event: JsonObject) -> str:
    """The event as a short sentence without its speaker; an unknown type says its own name."""
    say = SENTENCES.get(str(event.get("type")))
    return say(_object(event, "data")) if say else plain(event.get("type"))


def _object(holder: JsonObject, name: str) -> JsonObject:
    value = holder.get(name)
    return value if isinstance(value, Mapping) else {}


def _text(holder: JsonObject, *names: str) -> str:
    for name in names:
        value = holder.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and (text := plain(value).strip()):
            return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"
    return ""


def _payload(data: JsonObject) -> JsonObject:
    payload = _object(data, "decodedPayload") or _object(data, "payload")
    return _object(payload, "json") or payload


def _because(holder: JsonObject, *names: str) -> str:
    reason = _text(holder, *(names or _REASONS))
    return f": {reason}" if reason else ""


def _people(data: JsonObject, name: str) -> str:
    value = data.get(name)
    return ", ".join(plain(one) for one in value[:10]) if isinstance(value, list) else ""


def _bound(data: JsonObject) -> str:
    people = _people(data, "participants")
    return f"session {_text(data, 'sessionId')} is bound" + (f" for {people}" if people else "")


def _joined(data: JsonObject) -> str:
    role = _text(data, "role")
    return "joins" + (f" as {role}" if role else "")


def _stream(data: JsonObject) -> str:
    recovery = _text(data, "recovery")
    return f"stream {_text(data, 'status')}" + (f" ({recovery})" if recovery else "") + _because(data, "detail")


def _state(data: JsonObject) -> str:
    return f"session is {_text(data, 'state').removeprefix('SESSION_STATE_').lower()}"


def _message(fate: str) -> Callable[[JsonObject], str]:
    def say(data: JsonObject) -> str:
        people = _people(data, "to")
        to = f" to {people}" if people else ""
        return f"{_text(data, 'messageType')}{to} {fate}{_because(data, 'error', 'errorMessage')}"

    return say


def _sent(data: JsonObject) -> str:
    return _message("is accepted" if _text(data, "status") == "accepted" else "is on its way")(data)


def _proposes(data: JsonObject) -> str:
    payload = _payload(data)
    return f"proposes {_text(payload, *_PROPOSALS) or _text(data, 'messageType')}{_because(payload)}"


def _updates(data: JsonObject) -> str:
    payload, kind = _payload(data), _text(data, "messageType")
    verb = _UPDATES.get(kind, kind).format(
        vote=_text(payload, "vote") or "?", recommendation=_text(payload, "recommendation") or "?"
    )
    confidence = payload.get("confidence")
    sure = f" ({confidence:.0%} sure)" if isinstance(confidence, float | int) and 0 <= confidence <= 1 else ""
    return verb + sure + _because(payload)


def _decides(data: JsonObject) -> str:
    payload = _payload(data)
    return f"decides {_text(payload, 'action') or 'resolved'}{_because(payload, 'reason')}"


def _progress(data: JsonObject) -> str:
    percentage = data.get("percentage")
    done = f"{percentage:.0f} %" if isinstance(percentage, int | float) else "progress"
    return done + _because(data, "message")


def _signals(data: JsonObject) -> str:
    payload = _payload(data)
    return f"signals {_text(payload, 'signalType') or _text(data, 'messageType')}{_because(payload)}"


def _model(data: JsonObject) -> str:
    cost = data.get("estimatedCostUsd")
    price = f", ${cost:.4f}" if isinstance(cost, int | float) else ""
    return f"asks {_text(data, 'model') or 'a model'} ({_text(data, 'totalTokens') or '0'} tokens{price})"


def _tool(verb: str) -> Callable[[JsonObject], str]:
    return lambda data: f"{verb} {_text(_payload(data), 'toolName', 'name', 'tool') or 'a tool'}"


def _ends(verb: str) -> Callable[[JsonObject], str]:
    return lambda data: f"run {verb}: {_text(_object(data, 'ending'), 'code')}{_because(data, 'error')}"


def _fixed(sentence: str) -> Callable[[JsonObject], str]:
    return lambda data: sentence


SENTENCES: dict[str, Callable[[JsonObject], str]] = {
    "run.created": lambda data: f"run of {_text(data, 'modeName')} on {_text(data, 'runtimeKind')} is created",
    "run.started": _fixed("run starts"),
    "run.suspended": lambda data: "run is suspended" + _because(data, "reason"),
    "run.resumed": lambda data: "run goes on" + _because(data, "reason"),
    "run.completed": _ends("completed"),
    "run.failed": _ends("failed"),
    "run.cancelled": _ends("cancelled"),
    "session.bound": _bound,
    "session.stream.opened": _stream,
    "session.state.changed": _state,
    "participant.seen": _joined,
    "message.queued": _message("is queued"),
    "message.sent": _sent,
    "message.send_failed": _message("is not delivered"),
    "message.received": lambda data: f"says {_text(data, 'messageType')}{_because(_payload(data))}",
    "message.answered": lambda data: f"answers after {_text(data, 'elapsedMs')} ms",
    "message.unanswered": lambda data: f"message stays unanswered{_because(data, 'reason')}",
    "signal.emitted": _signals,
    "signal.acknowledged": lambda data: f"acknowledges {_text(_payload(data), 'signalId') or 'a signal'}",
    "proposal.created": _proposes,
    "proposal.updated": _updates,
    "decision.finalized": _decides,
    "policy.resolved": lambda data: f"policy is {_text(data, 'policyVersion')}{_because(data, 'policyDescription')}",
    "policy.commitment.evaluated": lambda data: f"policy says {_text(data, 'decision')}",
    "policy.denied": lambda data: f"policy denies: {_people(data, 'reasons')}",
    "progress.reported": _progress,
    "tool.called": _tool("calls"),
    "tool.completed": _tool("is done with"),
    "llm.call.completed": _model,
    "artifact.created": lambda data: f"artifact {_text(data, 'label')} ({_text(data, 'kind')})",
}
