"""The protocol's conformance cases as data: who sends what, and what a runtime must say to it."""

from dataclasses import dataclass

from runs.domain.events import JsonObject, SessionState

CONFIGURATION = "config.default"
MAJORITY = "policy.signalbox.majority"

OPEN, RESOLVED = SessionState.OPEN, SessionState.RESOLVED


@dataclass(frozen=True)
class Step:
    """One message and its answer: `refused` is the runtime's code, None where it accepts."""

    sender: str
    message_type: str
    payload: JsonObject
    refused: str | None = None


@dataclass(frozen=True)
class Case:
    """One session, from its SessionStart (by the first participant or `initiator`) to its state after the last step."""

    name: str
    mode: str
    initiator: str
    participants: tuple[str, ...]
    steps: tuple[Step, ...]
    state: SessionState
    policy: str = ""

    def __str__(self) -> str:
        return self.name


def commitment(action: str, *, positive: bool) -> JsonObject:
    """A Commitment of the default versions."""
    return {
        "commitmentId": "c1",
        "action": action,
        "authorityScope": "session",
        "reason": "the case says so",
        "modeVersion": "1.0.0",
        "configurationVersion": CONFIGURATION,
        "outcomePositive": positive,
    }


def _commits(sender: str, action: str, *, positive: bool = True, refused: str | None = None) -> Step:
    return Step(sender, "Commitment", commitment(action, positive=positive), refused)


def _proposal(sender: str, refused: str | None = None) -> Step:
    return Step(sender, "Proposal", {"proposalId": "p1", "option": "ship"}, refused)


def _vote(sender: str, vote: str) -> Step:
    return Step(sender, "Vote", {"proposalId": "p1", "vote": vote})


def _decision(name: str, *steps: Step, state: SessionState, policy: str = "") -> Case:
    return Case(name, "macp.mode.decision.v1", "lead", ("lead", "a", "b"), steps, state, policy)


_DECISIONS = (
    _decision("D1", _proposal("lead"), _vote("a", "APPROVE"), _commits("lead", "decision.selected"), state=RESOLVED),
    _decision(
        "D2",
        _proposal("lead"),
        _commits("lead", "decision.rejected", positive=False, refused="POLICY_DENIED"),
        _vote("a", "REJECT"),
        _vote("b", "REJECT"),
        _commits("lead", "decision.rejected", positive=False),
        state=RESOLVED,
        policy=MAJORITY,
    ),
    _decision(
        "D3",
        _proposal("outsider", refused="FORBIDDEN"),
        _proposal("lead"),
        _commits("a", "decision.selected", refused="FORBIDDEN"),
        _vote("a", "APPROVE"),
        Step(
            "b", "Evaluation", {"proposalId": "p1", "recommendation": "APPROVE", "confidence": 0.7}, "INVALID_ENVELOPE"
        ),
        state=OPEN,
    ),
)


def _negotiation(name: str, *steps: Step, state: SessionState) -> Case:
    return Case(name, "macp.mode.proposal.v1", "buyer", ("buyer", "seller"), steps, state)


_OFFER = Step("seller", "Proposal", {"proposalId": "p1", "title": "one crate"})
_COUNTER: JsonObject = {"proposalId": "p2", "supersedesProposalId": "", "title": "two crates"}

_NEGOTIATIONS = (
    _negotiation(
        "P1",
        _OFFER,
        Step("buyer", "Accept", {"proposalId": "p1"}),
        Step("seller", "Accept", {"proposalId": "p1"}),
        _commits("buyer", "proposal.accepted"),
        state=RESOLVED,
    ),
    _negotiation(
        "P2",
        _OFFER,
        Step("buyer", "Reject", {"proposalId": "p1", "terminal": True}),
        _commits("buyer", "proposal.rejected", positive=False),
        state=RESOLVED,
    ),
    _negotiation(
        "P3",
        _commits("buyer", "proposal.accepted", refused="INVALID_ENVELOPE"),
        Step("seller", "CounterProposal", _COUNTER, "INVALID_ENVELOPE"),
        state=OPEN,
    ),
)


def _task(name: str, *steps: Step, state: SessionState) -> Case:
    return Case(name, "macp.mode.task.v1", "planner", ("planner", "worker"), steps, state)


def _request(sender: str, task: str, refused: str | None = None) -> Step:
    return Step(sender, "TaskRequest", {"taskId": task, "title": "dig", "requestedAssignee": "worker"}, refused)


_DUG: JsonObject = {"taskId": "t1", "assignee": "worker", "summary": "dug"}
_NOT_DUG: JsonObject = {"taskId": "t1", "assignee": "worker", "errorCode": "ROCK", "reason": "too hard"}
_TAKES_ON = Step("worker", "TaskAccept", {"taskId": "t1", "assignee": "worker"})

_TASKS = (
    _task(
        "T1",
        _request("planner", "t1"),
        _TAKES_ON,
        Step("worker", "TaskComplete", _DUG),
        _commits("planner", "task.completed"),
        state=RESOLVED,
    ),
    _task(
        "T2",
        _request("planner", "t1"),
        _TAKES_ON,
        Step("worker", "TaskFail", _NOT_DUG),
        _commits("planner", "task.failed", positive=False),
        state=RESOLVED,
    ),
    _task(
        "T3",
        _request("worker", "t1", refused="FORBIDDEN"),
        _request("planner", "t1"),
        _request("planner", "t2", refused="INVALID_ENVELOPE"),
        state=OPEN,
    ),
)


def _handoff(name: str, *steps: Step, state: SessionState) -> Case:
    return Case(name, "macp.mode.handoff.v1", "owner", ("owner", "target"), steps, state)


_OFFERED = Step("owner", "HandoffOffer", {"handoffId": "h1", "targetParticipant": "target", "scope": "support"})
_ACCEPTED: JsonObject = {"handoffId": "h1", "acceptedBy": "target"}
_CONTEXT: JsonObject = {"handoffId": "h1", "contentType": "text/plain", "context": "aGVsbG8="}

_HANDOFFS = (
    _handoff(
        "H1",
        _OFFERED,
        Step("target", "HandoffAccept", _ACCEPTED),
        _commits("owner", "handoff.accepted"),
        state=RESOLVED,
    ),
    _handoff(
        "H2",
        _OFFERED,
        Step("target", "HandoffDecline", {"handoffId": "h1", "declinedBy": "target"}),
        _commits("owner", "handoff.declined", positive=False),
        state=RESOLVED,
    ),
    _handoff(
        "H3",
        Step("target", "HandoffAccept", _ACCEPTED, "INVALID_ENVELOPE"),
        _OFFERED,
        Step("target", "HandoffAccept", _ACCEPTED),
        Step("owner", "HandoffContext", _CONTEXT),
        state=OPEN,
    ),
)


def _quorum(name: str, *steps: Step, state: SessionState) -> Case:
    return Case(name, "macp.mode.quorum.v1", "lead", ("a", "b", "c"), steps, state)


def _ballot(sender: str, message_type: str, refused: str | None = None) -> Step:
    return Step(sender, message_type, {"requestId": "r1"}, refused)


_ASKS = Step("lead", "ApprovalRequest", {"requestId": "r1", "action": "deploy", "requiredApprovals": 2})

_QUORUMS = (
    _quorum(
        "Q1",
        _ASKS,
        _ballot("a", "Approve"),
        _ballot("b", "Approve"),
        _commits("lead", "quorum.approved"),
        state=RESOLVED,
    ),
    _quorum(
        "Q2",
        _ASKS,
        _ballot("a", "Reject"),
        _ballot("b", "Abstain"),
        _commits("lead", "quorum.rejected", positive=False),
        state=RESOLVED,
    ),
    _quorum(
        "Q3",
        _ballot("a", "Approve", "INVALID_ENVELOPE"),
        _ASKS,
        _ballot("a", "Approve"),
        _commits("lead", "quorum.approved", refused="INVALID_ENVELOPE"),
        state=OPEN,
    ),
)


def _rounds(name: str, *steps: Step, state: SessionState) -> Case:
    return Case(name, "ext.multi_round.v1", "lead", ("a", "b"), steps, state)


def _contributes(sender: str, value: str) -> Step:
    return Step(sender, "Contribute", {"value": value})


_ROUNDS = (
    _rounds(
        "M1",
        _contributes("a", "x"),
        _contributes("b", "y"),
        _contributes("b", "x"),
        _commits("lead", "multi_round.converged"),
        state=RESOLVED,
    ),
    _rounds(
        "M2",
        _commits("lead", "multi_round.converged", refused="INVALID_ENVELOPE"),
        _contributes("a", "x"),
        _contributes("b", "x"),
        _commits("a", "multi_round.converged", refused="FORBIDDEN"),
        state=OPEN,
    ),
)

CASES = (*_DECISIONS, *_NEGOTIATIONS, *_TASKS, *_HANDOFFS, *_QUORUMS, *_ROUNDS)
