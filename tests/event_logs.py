"""Plausible logs: what a run could really have recorded, numbered, in a legal order, with every type of event."""

from collections.abc import Callable

from hypothesis import strategies as st

from runs.domain.events import Event, JsonObject
from tests.run_log import CAST, Log, at

PROPOSALS = ("p1", "p2", "p3")

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
