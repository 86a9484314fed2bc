"""Slice `decision`: what is being decided, what each participant said to it, and how it ended."""

import re
from collections.abc import Mapping
from typing import cast

from runs.domain.events import Event, EventType, JsonObject
from runs.domain.projection import bounds
from runs.domain.projection.handlers import Handlers
from runs.domain.projection.members import content, first_text, kept, number, present, prose, reasons, text
from runs.domain.projection.sketch import Sketch
from runs.domain.projection.votes import proposal_meant, proposal_named, ratio, vote_of

_REASONS = ("reason", "summary", "rationale", "instructions", "scope")
_POSITIVE = frozenset({"approve", "approved", "accept", "accepted", "selected", "completed"})
_NEGATIVE = frozenset({"reject", "rejected", "decline", "declined", "failed"})


def outcome_positive(data: JsonObject) -> bool | None:
    """Whether a commitment is a yes: what its payload says, else what the last word of its action says."""
    payload = content(data.get("decodedPayload"))
    explicit = payload.get("outcomePositive", payload.get("outcome_positive"))
    if isinstance(explicit, bool):
        return explicit
    if (text(data.get("payloadTypeName")) or "").endswith(".CommitmentPayload"):
        return False  # This type always carries it, and decoding leaves out what is false.
    words = re.findall(r"[a-z]+", (text(payload.get("action")) or "").lower())
    last = words[-1] if words else ""
    return True if last in _POSITIVE else False if last in _NEGATIVE else None


def _given_reasons(payload: Mapping[str, object]) -> list[str]:
    for member in _REASONS:
        if given := reasons(payload.get(member)):
            return given
    return []


def _action(payload: Mapping[str, object], proposal: str) -> str:
    return prose(first_text(payload, "option", "title", "action")) or proposal


def _confidence(sketch: Sketch, payload: Mapping[str, object], former: JsonObject) -> JsonObject:
    """Votes count more than anything one participant claims; without both, what was known stays."""
    voted = ratio(sketch)
    claimed = voted if voted is not None else number(payload.get("confidence"))
    return present(confidence=claimed if claimed is not None else former.get("confidence"))


def _contributed(event: Event, sender: str, proposal: str, why: list[str]) -> JsonObject:
    payload = content(event.data.get("decodedPayload"))
    return present(
        participantId=sender,
        action=_action(payload, proposal),
        confidence=number(payload.get("confidence")),
        reasons=why,
        ts=event.ts,
        vote=vote_of(event.data),
        messageType=text(event.data.get("messageType")),
    )


def _current(sketch: Sketch) -> JsonObject:
    return cast(JsonObject, sketch.decision.get("current") or {})


def _discuss(sketch: Sketch, event: Event, changed: JsonObject, contribution: JsonObject) -> None:
    """The contribution is added; what is under discussion changes only until the decision is final."""
    former = _current(sketch)
    current = {**former, **({} if former.get("finalized") else changed)}
    proposals = cast(list[JsonObject], former.get("proposals", []))
    current["proposals"] = kept(proposals, contribution, bounds.CONTRIBUTIONS)
    sketch.decision["current"] = current


def _proposed(sketch: Sketch, event: Event) -> None:
    sender, proposal = text(event.data.get("sender")), text(event.subject_id)
    if sender is None or proposal is None:
        return
    payload = content(event.data.get("decodedPayload"))
    why = _given_reasons(payload) or reasons(event.data.get("messageType"))
    changed: JsonObject = {
        "action": _action(payload, proposal),
        "proposalId": proposal,
        "reasons": why,
        "finalized": False,
        **_confidence(sketch, payload, _current(sketch)),
        **present(prompt=prose(payload.get("prompt"))),
    }
    _discuss(sketch, event, changed, _contributed(event, sender, proposal, why))


def _updated(sketch: Sketch, event: Event) -> None:
    sender, proposal = text(event.data.get("sender")), proposal_meant(sketch, event)
    if sender is None or proposal is None:
        return
    payload, former = content(event.data.get("decodedPayload")), _current(sketch)
    why = _given_reasons(payload)
    changed: JsonObject = {
        "action": former.get("action") or _action(payload, proposal),
        "proposalId": proposal_named(event) or former.get("proposalId") or proposal,
        "reasons": why or former.get("reasons", []),
        "finalized": False,
        **_confidence(sketch, payload, former),
    }
    _discuss(sketch, event, changed, _contributed(event, sender, proposal, why))


def _superseded(payload: Mapping[str, object]) -> JsonObject | None:
    earlier = content(payload.get("supersedes"))
    session = first_text(earlier, "sessionId", "session_id")
    digest = first_text(earlier, "commitmentHash", "commitment_hash")
    return {"sessionId": session, "commitmentHash": digest} if session and digest else None


def _finalized(sketch: Sketch, event: Event) -> None:
    payload, former = content(event.data.get("decodedPayload")), _current(sketch)
    commitment = first_text(payload, "commitmentId", "commitment_id") or text(event.subject_id)
    sketch.decision["current"] = {
        "action": prose(payload.get("action")) or "resolved",
        "reasons": reasons(payload.get("reason")) or ["Commitment observed"],
        "finalized": True,
        "resolvedAt": event.ts,
        "outcomePositive": outcome_positive(event.data),
        **_confidence(sketch, payload, former),
        **present(
            proposalId=former.get("proposalId") or commitment,
            resolvedBy=text(event.data.get("sender")),
            supersedes=_superseded(payload),
            prompt=former.get("prompt"),
            proposals=former.get("proposals"),
        ),
    }


HANDLERS: Handlers = {
    EventType.PROPOSAL_CREATED: _proposed,
    EventType.PROPOSAL_UPDATED: _updated,
    EventType.DECISION_FINALIZED: _finalized,
}
