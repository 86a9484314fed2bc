"""Logs to fold: one written by hand, and strategies for plausible and for hostile ones.

`event_logs()` yields what a run could really have recorded: numbered, in a legal order, with every type of event.
`hostile_logs()` yields numbered events of any type with any data. Both yield lists of `Event`.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from hypothesis import strategies as st

from runs.domain.events import Event, EventType, JsonObject

RUN_ID = UUID("77aa0000-0000-7000-8000-000000000001")
START = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
CAST = ("alice", "bob", "carol", "dave")
PROPOSALS = ("p1", "p2", "p3")


class Log:
    """A log under construction: `write` numbers an event, dates it one second after the one before, and keeps it."""

    def __init__(self, first_seq: int = 1) -> None:
        self.events: list[Event] = []
        self._first_seq = first_seq

    def write(
        self,
        event_type: str,
        data: Mapping[str, object] | None = None,
        subject: tuple[str, str] | None = None,
        *,
        trace_id: str | None = None,
        span_id: str | None = None,
    ) -> Event:
        """The event is the last one of the log."""
        seq = self._first_seq + len(self.events)
        kind, subject_id = subject or (None, None)
        event = Event(
            id=uuid5(RUN_ID, str(seq)),
            run_id=RUN_ID,
            seq=seq,
            ts=at(seq),
            type=event_type,
            data=dict(data or {}),
            source_kind="control-plane",
            source_name="observer",
            subject_kind=kind,
            subject_id=subject_id,
            trace_id=trace_id,
            span_id=span_id,
        )
        self.events.append(event)
        return event

    def bind(self, participants: tuple[str, ...] = CAST, **more: object) -> None:
        """The run was launched and its session is bound; the first participant is the initiator."""
        self.write("run.created", {"status": "queued", "modeName": "macp.mode.decision.v1"}, ("run", str(RUN_ID)))
        self.write("run.started", {"status": "starting"}, ("run", str(RUN_ID)))
        bound = {
            "sessionId": "s-1",
            "initiator": participants[0],
            "participants": list(participants),
            "state": "SESSION_STATE_OPEN",
            "modeName": "macp.mode.decision.v1",
            "policyVersion": "policy.default",
            "runStatus": "binding_session",
        }
        self.write("session.bound", {**bound, **more}, ("session", "s-1"))

    def see(self, participant: str, role: str | None = None) -> None:
        """The participant is known to the run."""
        data: JsonObject = {"participantId": participant, "status": "idle"}
        self.write("participant.seen", data | ({"role": role} if role else {}), ("participant", participant))

    def hear(self, sender: str, message_type: str, payload: Mapping[str, object], message_id: str | None = None) -> str:
        """A message of the session was received; returns its id."""
        message_id = message_id or f"m-{self._first_seq + len(self.events)}"
        data: JsonObject = {"messageType": message_type, "messageId": message_id, "sender": sender, "payload": payload}
        self.write("message.received", {"sessionId": "s-1", **data}, ("message", message_id))
        return message_id

    def derive(
        self,
        event_type: str,
        sender: str,
        message_type: str,
        payload: Mapping[str, object],
        subject: tuple[str, str],
        type_name: str | None = None,
    ) -> Event:
        """What a message means was written down."""
        data: JsonObject = {"messageType": message_type, "messageId": f"m-of-{subject[1]}", "sender": sender}
        named: JsonObject = {"payloadTypeName": type_name} if type_name else {}
        return self.write(event_type, data | named | {"decodedPayload": payload}, subject)

    def answer(
        self, sender: str, message_type: str, proposal: str, payload: Mapping[str, object] | None = None
    ) -> Event:
        """A participant said something to a proposal."""
        return self.derive("proposal.updated", sender, message_type, payload or {}, ("proposal", proposal))

    def send(self, status: str, previous: str | None, message_id: str, sender: str = "alice", **more: object) -> Event:
        """One of our own messages has a new status."""
        event_type = {"queued": "message.queued", "sent": "message.sent", "accepted": "message.sent"}.get(
            status, "message.send_failed"
        )
        data: JsonObject = {"messageId": message_id, "sender": sender, "messageType": "Note", "to": ["bob"]}
        data |= {"status": status, "previousStatus": previous, "category": "message"} | more
        return self.write(event_type, data, ("message", message_id))

    def end(self, status: str = "completed", code: str = "resolved") -> Event:
        """The run has ended."""
        certificate = {"status": status, "code": code, "decidedBy": "runtime", "evidence": {}}
        data: JsonObject = {"status": status, "runStatus": status, "endedAt": at(0), "ending": certificate}
        return self.write(f"run.{status}", data, ("run", str(RUN_ID)))


def at(seq: int) -> str:
    """The time of the event with this number."""
    return (START + timedelta(seconds=seq)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


# --- plausible logs ---------------------------------------------------------------------------------------------------

Step = Callable[["_Plot", int, int], None]


class _Plot:
    """A log in the making and what its next step may build on."""

    def __init__(self) -> None:
        self.log = Log()
        self.suspended = False
        self.open_messages: list[tuple[str, str]] = []  # id, status
        self.owed_replies: list[str] = []

    def message_id(self) -> str:
        return f"m-{len(self.log.events) + 1}"


def _chat(plot: _Plot, who: int, what: int) -> None:
    plot.log.hear(CAST[who], "Note", {"json": {"value": what}, "encoding": "json"})


def _propose(plot: _Plot, who: int, what: int) -> None:
    proposal = PROPOSALS[what % 3]
    kind, names = [("Proposal", "option"), ("TaskRequest", "title"), ("ApprovalRequest", "action")][what % 3]
    payload: JsonObject = {names: f"do {what}", "rationale": "why not", "requestedAssignee": CAST[what % 4]}
    plot.log.hear(CAST[who], kind, payload)
    plot.log.derive("proposal.created", CAST[who], kind, payload, ("proposal", proposal))


def _vote(plot: _Plot, who: int, what: int) -> None:
    payload: JsonObject = {"vote": ("APPROVE", "REJECT", "ABSTAIN")[what % 3], "reason": f"because {what}"}
    plot.log.hear(CAST[who], "Vote", payload)
    plot.log.answer(CAST[who], "Vote", PROPOSALS[what // 3 % 3], payload)


def _evaluate(plot: _Plot, who: int, what: int) -> None:
    payload: JsonObject = {"recommendation": ("APPROVE", "BLOCK", "REVIEW")[what % 3], "confidence": what / 100}
    plot.log.answer(CAST[who], "Evaluation", PROPOSALS[what // 3 % 3], payload)


def _respond(plot: _Plot, who: int, what: int) -> None:
    kinds = ("Objection", "Accept", "Reject", "Withdraw", "TaskUpdate", "HandoffDecline", "Abstain", "Contribute")
    plot.log.answer(CAST[who], kinds[what % len(kinds)], PROPOSALS[what % 3], {"reason": "so"})


def _commit(plot: _Plot, who: int, what: int) -> None:
    payload: JsonObject = {"action": ("decision.selected", "decision.rejected", "done")[what % 3], "reason": "time"}
    names = "macp.v1.CommitmentPayload" if what % 2 else None
    plot.log.derive("decision.finalized", CAST[who], "Commitment", payload, ("decision", f"c{what}"), names)


def _signal(plot: _Plot, who: int, what: int) -> None:
    data: JsonObject = {"signalType": "alarm", "confidence": 0.5, "dataJson": {"severity": "high", "n": what}}
    plot.log.derive("signal.emitted", CAST[who], "Signal", data, ("signal", f"sig-{what}"))


def _acknowledge(plot: _Plot, who: int, what: int) -> None:
    plot.log.derive("signal.acknowledged", CAST[who], "SignalAck", {}, ("signal", f"sig-{what}"))


def _progress(plot: _Plot, who: int, what: int) -> None:
    data: JsonObject = {"percentage": what, "message": f"{what} done", "participantId": CAST[who]}
    plot.log.write("progress.reported", data, ("message", plot.message_id()))


def _llm(plot: _Plot, who: int, what: int) -> None:
    tokens: JsonObject = {"promptTokens": what, "completionTokens": 2 * what, "totalTokens": 3 * what}
    data: JsonObject = {"sender": CAST[who], "model": "gpt-4o", "estimatedCostUsd": what / 1_000_000}
    plot.log.write("llm.call.completed", data | tokens)


def _tool(plot: _Plot, who: int, what: int) -> None:
    plot.log.derive("tool.called", CAST[who], "ToolCall", {}, ("tool", f"t{what}"))
    plot.log.derive("tool.completed", CAST[who], "ToolResult", {}, ("tool", f"t{what}"))


def _artifact(plot: _Plot, who: int, what: int) -> None:
    plot.log.write("artifact.created", {"artifactId": f"a{what}", "kind": "json"}, ("artifact", f"a{what}"))


def _policy(plot: _Plot, who: int, what: int) -> None:
    flat: list[tuple[str, JsonObject]] = [
        ("policy.resolved", {"policyVersion": f"v{what}", "policyDescription": "d", "expectedCommitments": ["bob"]}),
        ("policy.commitment.evaluated", {"commitmentId": f"c{what}", "decision": "allow", "reasons": ["fine"]}),
        ("policy.denied", {"commitmentId": f"c{what}", "reasons": ["veto"]}),
    ]
    plot.log.write(*flat[what % 3], ("policy", f"c{what}"))


def _newcomer(plot: _Plot, who: int, what: int) -> None:
    name = f"guest-{len(plot.log.events)}"
    plot.log.see(name, "voter" if what % 2 else None)
    plot.log.hear(name, "Note", {})


def _queue(plot: _Plot, who: int, what: int) -> None:
    message_id = plot.message_id()
    plot.log.send("queued", None, message_id, CAST[who], to=[CAST[what % 4]])
    plot.open_messages.append((message_id, "queued"))


def _settle(plot: _Plot, who: int, what: int) -> None:
    if not plot.open_messages:
        return _queue(plot, who, what)
    message_id, status = plot.open_messages.pop(0)
    fate = ("accepted", "accepted", "rejected", "failed", "sent")[what % 5]
    if fate == status:
        fate = "accepted"
    owed = {"replyDeadlineAt": at(900)} if what % 2 else {}
    plot.log.send(fate, status, message_id, CAST[who], to=[CAST[what % 4]], **owed)
    if fate == "sent":
        plot.open_messages.append((message_id, "sent"))
    if fate == "accepted":
        plot.log.hear(CAST[who], "Note", {}, message_id)
        plot.owed_replies += [message_id] if owed else []


def _reply(plot: _Plot, who: int, what: int) -> None:
    if plot.owed_replies:
        fate = ("message.answered", "message.unanswered")[what % 2]
        plot.log.write(fate, {"messageId": plot.owed_replies.pop()})


def _pause(plot: _Plot, who: int, what: int) -> None:
    plot.suspended = not plot.suspended
    moved, state = ("suspended", "SUSPENDED") if plot.suspended else ("running", "OPEN")
    plot.log.write("session.state.changed", {"sessionId": "s-1", "state": f"SESSION_STATE_{state}"})
    plot.log.write("run.suspended" if plot.suspended else "run.resumed", {"status": moved, "runStatus": moved})


def _reconnect(plot: _Plot, who: int, what: int) -> None:
    plot.log.write("session.stream.opened", {"status": ("reconnecting", "opened", "recovered")[what % 3]})


def _unheard_of(plot: _Plot, who: int, what: int) -> None:
    plot.log.write(f"future.event.{what}", {"sender": CAST[who]}, trace_id=f"trace-{what}", span_id=f"span-{what % 4}")


STEPS: tuple[Step, ...] = (
    _chat, _propose, _vote, _evaluate, _respond, _commit, _signal, _acknowledge, _progress, _llm, _tool, _artifact,
    _policy, _newcomer, _queue, _settle, _reply, _pause, _reconnect, _unheard_of,
)  # fmt: skip

_ENDINGS = (("completed", "resolved"), ("failed", "session_lost"), ("cancelled", "cancelled"))


def _prologue(log: Log) -> None:
    log.bind()
    for participant, role in zip(CAST, ("proposer", "voter", "voter", None), strict=True):
        log.see(participant, role)
    log.write("session.stream.opened", {"status": "opened"}, ("session", "s-1"))
    running: JsonObject = {"sessionId": "s-1", "state": "SESSION_STATE_OPEN", "runStatus": "running"}
    log.write("session.state.changed", running, ("session", "s-1"))


@st.composite
def event_logs(draw: st.DrawFn, max_steps: int = 40) -> list[Event]:
    """A log that a run could have: launched, bound, talked in, and perhaps ended."""
    plot = _Plot()
    _prologue(plot.log)
    small = st.tuples(st.sampled_from(STEPS), st.integers(0, len(CAST) - 1), st.integers(0, 100))
    for step, who, what in draw(st.lists(small, max_size=max_steps)):
        step(plot, who, what)
    if ending := draw(st.sampled_from((None, *_ENDINGS))):
        for message_id, status in plot.open_messages:
            plot.log.send("failed", status, message_id)
        for message_id in plot.owed_replies:
            plot.log.write("message.unanswered", {"messageId": message_id, "reason": "run_ended"})
        plot.log.end(*ending)
    return plot.log.events


# --- hostile logs -----------------------------------------------------------------------------------------------------

_WORDS = st.sampled_from(
    (
        *CAST, *PROPOSALS, "", "__start", "__decision", "m-1", "accepted", "queued", "sent", "failed", "rejected",
        "running", "completed", "reconnecting", "APPROVE", "no", "allow", "deny", "Vote", "Objection", "Reject",
        "voter",
    )
)  # fmt: skip
_TEXTS = st.text(
    "aZ7 é\x00\U0001f600", max_size=6
)  # a small alphabet: hypothesis needs seconds to set up all of Unicode
_SCALARS = st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | _TEXTS | _WORDS | _WORDS
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=6,
)
_MEMBERS = (
    "sender", "participantId", "participants", "initiator", "role", "messageType", "messageId", "to", "status",
    "previousStatus", "replyDeadlineAt", "runStatus", "state", "sessionId", "modeName", "extensionKeys", "ending",
    "percentage", "message", "promptTokens", "completionTokens", "totalTokens", "estimatedCostUsd", "latencyMs",
    "policyVersion", "expectedCommitments", "commitmentId", "decision", "reasons", "payloadTypeName", "traceId",
)  # fmt: skip
_PAYLOAD_MEMBERS = (
    "vote", "recommendation", "confidence", "reason", "option", "title", "action", "prompt", "outcomePositive",
    "supersedes", "signalType", "severity", "data", "dataJson", "json", "encoding", "requestedAssignee",
)  # fmt: skip
_PAYLOADS = _VALUES | st.dictionaries(st.sampled_from(_PAYLOAD_MEMBERS), _VALUES, max_size=8)
_DATA = st.tuples(
    st.dictionaries(st.sampled_from(_MEMBERS) | _TEXTS, _VALUES, max_size=9),
    st.fixed_dictionaries({}, optional={"decodedPayload": _PAYLOADS, "payload": _PAYLOADS}),
).map(lambda parts: {**parts[0], **parts[1]})
_TYPES = st.sampled_from([str(member) for member in EventType]) | st.sampled_from(("", "run.", "run.paused", "x"))
_SUBJECTS = st.none() | st.tuples(st.sampled_from(("proposal", "message", "signal")), _WORDS | _TEXTS)
_IDS = st.none() | st.sampled_from(("", "t1", "t2"))


@st.composite
def hostile_logs(draw: st.DrawFn, max_events: int = 15) -> list[Event]:
    """A numbered log whose events hold anything at all, in any order."""
    log = Log()
    for event_type, data, subject, span in draw(
        st.lists(st.tuples(_TYPES, _DATA, _SUBJECTS, _IDS), max_size=max_events)
    ):
        log.write(event_type, data, subject, trace_id=span, span_id=span)
    return log.events
