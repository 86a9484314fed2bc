"""What the normaliser must know of a run beside the observation: learnt from the log, never from a clock."""

from collections.abc import Callable, Mapping

import msgspec

from runs.domain.events import Draft, EventType, moved_status
from runs.domain.lifecycle import RunStatus
from runs.domain.normaliser.llm import PriceTable
from runs.domain.outbound import OutboundFacts, outbound_facts
from runs.domain.redaction import Redactor


class ParticipantFacts(msgspec.Struct, frozen=True):
    """What the request says of one participant."""

    role: str = ""
    transport_identity: str = ""


class Context(msgspec.Struct, kw_only=True):
    """What is known of one run while one batch is recorded; made under the run's lock, and owner of what it is given.

    Changes only through `learn`, which the recorder calls for every draft of the batch, ours included, in order.
    """

    mode_name: str
    source_name: str  # source.name of runtime events: "rust-runtime", "scripted-runtime"
    session_id: str
    status: RunStatus
    redactor: Redactor
    prices: PriceTable
    run_id: str = ""  # subject of run.* drafts; empty leaves them without a subject
    session_state: str | None = None  # the last known one
    seen: set[str] = msgspec.field(default_factory=set)  # participants already in the log
    roles: Mapping[str, ParticipantFacts] = msgspec.field(default_factory=dict)
    outbound: dict[str, OutboundFacts] = msgspec.field(default_factory=dict)  # by message id
    trace_id: str | None = None
    reasons: Mapping[RunStatus, str] = msgspec.field(default_factory=dict)  # why it is wanted that the run moves there

    def learn(self, draft: Draft) -> None:
        """What `draft` says is known from now on; a draft that says nothing new changes nothing."""
        moved = moved_status(draft.type, draft.data)
        if moved in _STATUSES:
            self.status = RunStatus(moved)
        lesson = _LESSONS.get(draft.type)
        if lesson is not None:
            lesson(self, draft)


_STATUSES = frozenset(RunStatus)


def _learn_participant(context: Context, draft: Draft) -> None:
    participant = draft.data.get("participantId")
    if isinstance(participant, str):
        context.seen.add(participant)


def _learn_session(context: Context, draft: Draft) -> None:
    state, session_id = draft.data.get("state"), draft.data.get("sessionId")
    if isinstance(state, str):
        context.session_state = state
    if isinstance(session_id, str) and session_id:
        context.session_id = session_id


def _learn_outbound(context: Context, draft: Draft) -> None:
    message_id, status = draft.data.get("messageId"), draft.data.get("status")
    if not isinstance(message_id, str) or not isinstance(status, str):
        return
    facts = context.outbound.get(message_id)
    if facts is None:
        facts = outbound_facts(draft.data)
    if facts is not None:
        context.outbound[message_id] = msgspec.structs.replace(facts, status=status)


_LESSONS: dict[str, Callable[[Context, Draft], None]] = {
    EventType.PARTICIPANT_SEEN: _learn_participant,
    EventType.SESSION_BOUND: _learn_session,
    EventType.SESSION_STATE_CHANGED: _learn_session,
    EventType.MESSAGE_QUEUED: _learn_outbound,
    EventType.MESSAGE_SENT: _learn_outbound,
    EventType.MESSAGE_SEND_FAILED: _learn_outbound,
}
