"""Private slice `votes`: one vote per participant and proposal, the last one.

The counts over the run and per proposal are what the decision's confidence and the policy's tally are made of.
"""

from typing import cast

from runs.domain.events import Event, EventType, JsonObject
from runs.domain.projection.handlers import Handlers
from runs.domain.projection.members import content, text
from runs.domain.projection.sketch import Sketch

_WORDS = dict.fromkeys(("approve", "accept", "allow", "yes"), "allow") | dict.fromkeys(
    ("reject", "deny", "block", "no"), "deny"
)
_MESSAGES = dict.fromkeys(("accept", "approve", "taskaccept", "handoffaccept"), "allow") | dict.fromkeys(
    ("reject", "taskreject", "handoffdecline"), "deny"
)


def vote_of(data: JsonObject) -> str | None:
    """`allow`, `deny` or None: what the payload says in words, else what its message type stands for."""
    payload = content(data.get("decodedPayload"))
    for member in ("vote", "recommendation"):
        if vote := _WORDS.get((text(payload.get(member)) or "").strip().lower()):
            return vote
    return _MESSAGES.get((text(data.get("messageType")) or "").lower())


def proposal_named(event: Event) -> str | None:
    """The proposal an answer names; without a name its subject is just its own message."""
    subject = text(event.subject_id)
    return None if subject == text(event.data.get("messageId")) else subject


def proposal_meant(sketch: Sketch, event: Event) -> str | None:
    """The proposal a contribution belongs to: the named one, else the one under discussion, else its own subject."""
    current = cast(JsonObject, sketch.decision.get("current") or {})
    return proposal_named(event) or text(current.get("proposalId")) or text(event.subject_id)


def ratio(sketch: Sketch) -> float | None:
    """The share of allowing votes over the run, 4 places; None while nobody has voted."""
    allow, deny = sketch.vote_counts["allow"], sketch.vote_counts["deny"]
    return round(allow / (allow + deny), 4) if allow + deny else None


def counts_for(sketch: Sketch, proposal: str) -> tuple[int, int]:
    """How many participants allow and how many deny this proposal."""
    ballot = sketch.ballots.get(proposal)
    return (cast(int, ballot[1]), cast(int, ballot[2])) if ballot else (0, 0)


def _cast(sketch: Sketch, event: Event) -> None:
    vote, voter, proposal = vote_of(event.data), text(event.data.get("sender")), proposal_meant(sketch, event)
    if vote is None or voter is None or proposal is None:
        return
    former = sketch.votes.get((proposal, voter))
    sketch.votes.put_last([proposal, voter, vote])
    if former is not None:
        _count(sketch, proposal, former[2], -1)
    _count(sketch, proposal, vote, 1)


def _count(sketch: Sketch, proposal: str, vote: str, step: int) -> None:
    sketch.vote_counts[vote] += step
    allow, deny = counts_for(sketch, proposal)
    if vote == "allow":
        allow += step
    else:
        deny += step
    # A ballot that was pushed out while its votes were still known starts anew, never below zero.
    sketch.ballots.put_last([proposal, max(allow, 0), max(deny, 0)])


HANDLERS: Handlers = {
    EventType.PROPOSAL_CREATED: _cast,
    EventType.PROPOSAL_UPDATED: _cast,
}
