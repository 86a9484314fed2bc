"""Which message type becomes which event: the derived event of an envelope, at most one."""

from collections.abc import Callable
from typing import NamedTuple

from runs.domain.events import EventType, JsonObject
from runs.domain.normaliser import decisions, members, progress, signals
from runs.domain.normaliser.message import Message


class Derived(NamedTuple):
    """A derived event: its subject's id is the first of `ids` the payload has, else the message id.

    `detail` reads what the event says beyond the message itself.
    """

    event_type: EventType
    subject_kind: str
    ids: tuple[members.Name, ...] = ()
    detail: Callable[[Message], JsonObject] | None = None


_PROPOSAL_ID = members.named("proposalId")
_REQUEST_ID = members.named("requestId")
_TASK_ID = members.named("taskId")
_HANDOFF_ID = members.named("handoffId")
_DECISION_ID = members.named("decisionId")
_SIGNAL_ID = members.named("signalId")
_POLICY_VERSION = members.named("policyVersion")
_TOOL_CALL_ID = members.named("toolCallId")


def _created(*ids: members.Name) -> Derived:
    return Derived(EventType.PROPOSAL_CREATED, "proposal", ids)


def _updated(*ids: members.Name) -> Derived:
    return Derived(EventType.PROPOSAL_UPDATED, "proposal", ids)


_COMMITMENT = (decisions.COMMITMENT_ID,)
_ACKNOWLEDGED = Derived(EventType.SIGNAL_ACKNOWLEDGED, "signal", (_SIGNAL_ID,))
_TOOL_CALLED = Derived(EventType.TOOL_CALLED, "tool", (_TOOL_CALL_ID, _REQUEST_ID))
_TOOL_COMPLETED = Derived(EventType.TOOL_COMPLETED, "tool", (_TOOL_CALL_ID, _REQUEST_ID))

VOCABULARY: dict[str, Derived] = {
    "Proposal": _created(_PROPOSAL_ID),
    "CounterProposal": _created(_PROPOSAL_ID),
    "ApprovalRequest": _created(_REQUEST_ID),
    "TaskRequest": _created(_TASK_ID),
    "HandoffOffer": _created(_HANDOFF_ID),
    "Evaluation": _updated(_PROPOSAL_ID),
    "Objection": _updated(_PROPOSAL_ID),
    "Vote": _updated(_PROPOSAL_ID),
    "Accept": _updated(_PROPOSAL_ID),
    "Withdraw": _updated(_PROPOSAL_ID),
    "Reject": _updated(_PROPOSAL_ID, _REQUEST_ID),
    "Approve": _updated(_REQUEST_ID),
    "Abstain": _updated(_REQUEST_ID),
    "TaskAccept": _updated(_TASK_ID),
    "TaskReject": _updated(_TASK_ID),
    "TaskUpdate": _updated(_TASK_ID),
    "TaskComplete": _updated(_TASK_ID),
    "TaskFail": _updated(_TASK_ID),
    "HandoffContext": _updated(_HANDOFF_ID),
    "HandoffAccept": _updated(_HANDOFF_ID),
    "HandoffDecline": _updated(_HANDOFF_ID),
    "Contribute": _updated(),
    "Commitment": Derived(EventType.DECISION_FINALIZED, "decision", (*_COMMITMENT, _DECISION_ID)),
    "Signal": Derived(EventType.SIGNAL_EMITTED, "signal", (), signals.signal_detail),
    "SignalAck": _ACKNOWLEDGED,
    "SignalAcknowledged": _ACKNOWLEDGED,
    "Progress": Derived(EventType.PROGRESS_REPORTED, "message", (), progress.progress_detail),
    "PolicyResolved": Derived(EventType.POLICY_RESOLVED, "policy", (_POLICY_VERSION,), decisions.resolved_detail),
    "PolicyCommitmentEvaluated": Derived(
        EventType.POLICY_COMMITMENT_EVALUATED, "policy", _COMMITMENT, decisions.evaluated_detail
    ),
    "PolicyDenied": Derived(EventType.POLICY_DENIED, "policy", _COMMITMENT, decisions.denied_detail),
}
"""By message type, exactly as the protocol spells it."""

TOOLS: dict[str, Derived] = {
    "toolcall": _TOOL_CALLED,
    "toolrequest": _TOOL_CALLED,
    "toolresult": _TOOL_COMPLETED,
    "toolcompleted": _TOOL_COMPLETED,
    "tooloutput": _TOOL_COMPLETED,
}
"""By lower-cased message type: no protocol spells these, so any case is read."""

PRODUCED = frozenset(derived.event_type for derived in (*VOCABULARY.values(), *TOOLS.values()))


def derived_of(message_type: str) -> Derived | None:
    """The derived event of a message type, or None."""
    return VOCABULARY.get(message_type) or TOOLS.get(message_type.lower())
