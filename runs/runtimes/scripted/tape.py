"""What a session says, place by place, as a pure function of its plan and its adapter state.

Place 1 is SessionStart. Places that a sent message took belong to it; the lines of the script fill the others in order.
"""

import base64
from bisect import bisect_left
from uuid import UUID, uuid5

from runs.domain.events import Envelope, JsonObject, Observation, SessionSnapshot, SessionState
from runs.runtimes.port import Outgoing, SessionPlan
from runs.runtimes.scripted import frames
from runs.runtimes.scripted.scenarios.script import Line, Script
from runs.runtimes.scripted.state import AdapterState, Insertion

CONTEXT_KEY = "x-signalbox.context"


class Tape:
    """The whole session as far as `state` determines it; a new state needs a new tape."""

    def __init__(self, plan: SessionPlan, script: Script, state: AdapterState, *, step_ms: float = 0) -> None:
        self._plan, self._script, self._state = plan, script, state
        self._run = UUID(plan.run_id)
        self._opened_at = opened_at(self._run)
        self._step_ms = step_ms
        self._sent = {one.ordinal: one for one in state.sent if not one.aside}
        self._places = sorted(self._sent)
        self._sent_asides: dict[int, list[Insertion]] = {}
        for one in state.sent:
            if one.aside:
                self._sent_asides.setdefault(one.ordinal, []).append(one)
        # The agents of a script answer the kickoff: had they spoken before it, a short script would be over too early.
        self.waits_for_kickoff = len(state.sent) < plan.kickoff_count
        self.last = 1 + len(self._sent) + (0 if self.waits_for_kickoff else script.length)

    @property
    def limit(self) -> int:
        """The last place that may be said now: none is said while the session is suspended or after its end."""
        return self.last if self._state.state is SessionState.OPEN else min(self._state.since or 0, self.last)

    def outcome(self, played: int) -> SessionState | None:
        """What the session has become by itself after `played` envelopes; None while it goes on."""
        over = self._state.state is SessionState.OPEN and played >= self.last and not self.waits_for_kickoff
        return self._script.outcome if over else None

    def paced(self, ordinal: int) -> bool:
        """True for what the script says at its own pace; what was sent is echoed at once."""
        return ordinal not in self._sent

    def said(self, ordinal: int) -> Observation:
        """The envelope at a place, from 1 to `last`."""
        if ordinal in self._sent:
            return frames.said(self._insertion(self._sent[ordinal].message, ordinal))
        number = self._number(ordinal)
        if number == 0:
            return frames.said(self._envelope(start_id(self._plan), session_start(self._plan), 1))
        name = f"script/{number}"
        return frames.said(self._envelope(str(uuid5(self._run, name)), self._script.line(number), ordinal))

    def asides(self, ordinal: int) -> list[Observation]:
        """What is said beside the session after the envelope at a place: first the script's asides, then those sent."""
        spoken = []
        if ordinal and self.paced(ordinal):
            number = self._number(ordinal)
            for index, line in enumerate(self._script.asides(number)):
                message_id = str(uuid5(self._run, f"script/{number}/{index}"))
                spoken.append(frames.said_aside(self._envelope(message_id, line, ordinal)))
        for one in self._sent_asides.get(ordinal, ()):
            spoken.append(frames.said_aside(self._insertion(one.message, ordinal)))
        return spoken

    def snapshot(self, played: int | None) -> SessionSnapshot:
        """The session after `played` envelopes; None where nobody here has followed it, so only its state is known."""
        plan = self._plan
        return SessionSnapshot(
            session_id=plan.session_id,
            state=self.outcome(played or 0) or self._state.state,
            mode_name=plan.mode_name,
            mode_version=plan.mode_version,
            configuration_version=plan.configuration_version,
            policy_version=plan.policy_version,
            started_at_unix_ms=self._opened_at,
            expires_at_unix_ms=self._opened_at + plan.ttl_ms if self._opened_at else 0,
            initiator=plan.initiator,
            participants=tuple(participant.id for participant in plan.participants),
            context_id=plan.context_id,
            extension_keys=(CONTEXT_KEY,) if plan.context else (),
            message_count=None if played is None else max(played - 1, 0),
        )

    def time_of(self, ordinal: int) -> int:
        """When a place is said, in Unix milliseconds of the session's own clock; 0 where it has none."""
        return self._opened_at + round((ordinal - 1) * self._step_ms) if self._opened_at else 0

    def _number(self, ordinal: int) -> int:
        return ordinal - 1 - bisect_left(self._places, ordinal)

    def _insertion(self, message: Outgoing, ordinal: int) -> Envelope:
        content = message.payload if message.payload_bytes is None else message.payload_bytes
        line = Line(message.sender, message.message_type, content if content is not None else b"")
        return self._envelope(message.message_id, line, ordinal)

    def _envelope(self, message_id: str, line: Line, ordinal: int) -> Envelope:
        return frames.envelope(
            mode=self._plan.mode_name,
            session_id=self._plan.session_id,
            message_id=message_id,
            message_type=line.message_type,
            sender=line.sender,
            content=line.content,
            timestamp_unix_ms=self.time_of(ordinal),
        )


def start_id(plan: SessionPlan) -> str:
    """The message id of the session's SessionStart."""
    return str(uuid5(UUID(plan.run_id), "start"))


def session_start(plan: SessionPlan) -> Line:
    """The SessionStart of a plan, in protobuf's JSON form."""
    content: JsonObject = {
        "intent": plan.intent,
        "participants": [participant.id for participant in plan.participants],
        "modeVersion": plan.mode_version,
        "configurationVersion": plan.configuration_version,
        "policyVersion": plan.policy_version,
        "ttlMs": plan.ttl_ms,
        "roots": [{"uri": root.uri, "name": root.name} if root.name else {"uri": root.uri} for root in plan.roots],
        "contextId": plan.context_id,
    }
    if plan.context:
        content["extensions"] = {CONTEXT_KEY: base64.b64encode(plan.context).decode()}
    return Line(plan.initiator, "SessionStart", {name: value for name, value in content.items() if value})


def opened_at(run: UUID) -> int:
    """The session's clock starts when its run was created, which a UUIDv7 tells; 0 for any other id."""
    return run.int >> 80 if run.version == 7 else 0
