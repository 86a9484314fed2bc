"""A script: who says what in a session, in order, and what the session then becomes."""

import base64
from collections.abc import Sequence
from typing import Protocol

import msgspec
import orjson

from runs.domain.events import JsonObject, SessionState
from runs.runtimes.port import SessionPlan


class Line(msgspec.Struct, frozen=True):
    """One message of a script. `content` is a JSON object or the payload's bytes; an aside is ambient: not counted."""

    sender: str
    message_type: str
    content: JsonObject | bytes
    aside: bool = False


class Script(Protocol):
    """The lines of one session; SessionStart is not among them."""

    length: int  # session lines, asides not counted
    outcome: SessionState | None  # what the session becomes after its last line; None = it stays open

    def line(self, number: int) -> Line:
        """Session line `number`, from 1 to `length`."""

    def asides(self, number: int) -> Sequence[Line]:
        """The asides that follow session line `number`; 0 is SessionStart."""


class WrittenScript:
    """A script whose lines are all written down."""

    def __init__(self, lines: Sequence[Line], outcome: SessionState | None) -> None:
        self.outcome = outcome
        self._lines: list[Line] = []
        self._asides: dict[int, list[Line]] = {}
        for line in lines:
            if line.aside:
                self._asides.setdefault(len(self._lines), []).append(line)
            else:
                self._lines.append(line)
        self.length = len(self._lines)

    def line(self, number: int) -> Line:
        """Session line `number`, from 1 to `length`."""
        return self._lines[number - 1]

    def asides(self, number: int) -> Sequence[Line]:
        """The asides that follow session line `number`; 0 is SessionStart."""
        return self._asides.get(number, ())


class Cast:
    """Who plays in a session: the initiator, and `others`, who answer (the initiator alone answers itself)."""

    def __init__(self, plan: SessionPlan) -> None:
        self.plan = plan
        self.initiator = plan.initiator
        ids = [participant.id for participant in plan.participants]
        self.others = [one for one in ids if one != plan.initiator] or [plan.initiator]

    def commits(self, action: str, reason: str, *, positive: bool) -> Line:
        """The Commitment that ends a script; like every protobuf default, a negative outcome is left out."""
        content: JsonObject = {
            "commitmentId": "commitment-1",
            "action": action,
            "authorityScope": "session",
            "reason": reason,
        }
        bound = {
            "modeVersion": self.plan.mode_version,
            "policyVersion": self.plan.policy_version,
            "configurationVersion": self.plan.configuration_version,
        }
        content |= {name: value for name, value in bound.items() if value}
        if positive:
            content["outcomePositive"] = True
        return Line(self.initiator, "Commitment", content)

    def progresses(self, sender: str, percent: int, message: str) -> Line:
        """A session-scoped Progress of `percent` out of 100."""
        content: JsonObject = {"progressToken": sender, "progress": percent, "total": 100, "message": message}
        return Line(sender, "Progress", content, aside=True)

    def signals(self, sender: str, signal_type: str, data: JsonObject, *, confidence: float = 0.0) -> Line:
        """An ambient Signal that belongs to this session only by its correlation id."""
        content: JsonObject = {"signalType": signal_type, "data": in_base64(data)}
        if confidence:
            content["confidence"] = confidence
        content["correlationSessionId"] = self.plan.session_id
        return Line(sender, "Signal", content, aside=True)

    def calls_a_model(self, sender: str, prompt_tokens: int, completion_tokens: int) -> Line:
        """The Signal by which an agent reports one call of a language model."""
        data: JsonObject = {
            "model": "scripted-model",
            "provider": "scripted",
            "promptTokens": prompt_tokens,
            "completionTokens": completion_tokens,
            "totalTokens": prompt_tokens + completion_tokens,
            "estimatedCostUsd": round((prompt_tokens + 4 * completion_tokens) / 1_000_000, 6),
            "latencyMs": 8 * completion_tokens,
        }
        return self.signals(sender, "llm.call.completed", data)


def in_base64(content: JsonObject) -> str:
    """A JSON object as a bytes field looks in protobuf's JSON form."""
    return base64.b64encode(orjson.dumps(content)).decode()
