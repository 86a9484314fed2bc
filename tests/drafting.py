"""Play observations through the normaliser as the recorder does: learn every draft, number every observation."""

from collections.abc import Iterable

from runs.domain.events import Draft, Observation
from runs.domain.lifecycle import RunStatus
from runs.domain.normaliser import Context, ParticipantFacts, PriceTable, normalise
from runs.domain.outbound import OutboundFacts
from runs.domain.redaction import Redactor
from tests.scenarios import DECISION, SESSION

RUN = "0190a7c2-0000-7000-8000-0000000000aa"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def an_outbound(message_id: str, *, status: str = "sent", category: str = "message") -> OutboundFacts:
    """A stored message from lead to alice."""
    return OutboundFacts(
        message_id=message_id,
        session_id=SESSION,
        sender="lead",
        to=("alice",),
        message_type="Proposal",
        category=category,
        status=status,
        payload_descriptor={"encoding": "json", "sizeBytes": 2, "preview": "{}"},
        reply_deadline_at="2026-01-31T09:31:00.000Z",
    )


def a_context(
    *,
    status: RunStatus = RunStatus.RUNNING,
    session_state: str | None = None,
    seen: Iterable[str] = (),
    outbound: Iterable[OutboundFacts] = (),
    patterns: Iterable[str] = (),
) -> Context:
    """The context of a running decision session."""
    return Context(
        mode_name=DECISION,
        source_name="scripted-runtime",
        session_id=SESSION,
        status=status,
        run_id=RUN,
        redactor=Redactor(tuple(patterns)),
        prices=PriceTable(),
        session_state=session_state,
        seen=set(seen),
        roles={"alice": ParticipantFacts("voter", "spiffe://team/alice"), "lead": ParticipantFacts()},
        outbound={facts.message_id: facts for facts in outbound},
        trace_id=TRACE,
    )


def play(observations: Iterable[Observation], context: Context | None = None) -> list[Draft]:
    """Every draft of the observations, in order."""
    context = context or a_context(outbound=[an_outbound(f"out-{number}") for number in (1, 2, 3)])
    drafts: list[Draft] = []
    for raw_seq, observation in enumerate(observations, start=1):
        for draft in normalise(observation, context, raw_seq=raw_seq):
            context.learn(draft)
            drafts.append(draft)
    return drafts


def types(drafts: Iterable[Draft]) -> list[str]:
    """The types of drafts, in order."""
    return [draft.type for draft in drafts]


def only(drafts: Iterable[Draft], event_type: str) -> Draft:
    """The one draft of that type."""
    (found,) = [draft for draft in drafts if draft.type == event_type]
    return found
