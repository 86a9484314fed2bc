"""Slice `policy`: the rules a decision is under, how they judged it, and how the votes stand against the quorum."""

from typing import cast

from runs.domain.events import Event, EventType
from runs.domain.projection import bounds
from runs.domain.projection.decision import outcome_positive
from runs.domain.projection.handlers import Handlers
from runs.domain.projection.members import content, kept, prose, reasons, text, texts
from runs.domain.projection.sketch import Sketch
from runs.domain.projection.votes import counts_for, proposal_meant, vote_of

DEFAULT_VERSION = "policy.default"

# On whose word the expected participants stand; roles may become known after the session was bound.
_EVERYBODY, _VOTERS, _STATED = "everybody", "voters", "stated"


def _member(event: Event, name: str) -> object:
    value = event.data.get(name)
    return content(event.data.get("decodedPayload")).get(name) if value is None else value


def _bound(sketch: Sketch, event: Event) -> None:
    data = event.data
    sketch.policy["policyVersion"] = text(data.get("policyVersion")) or DEFAULT_VERSION
    roles = {str(entry["participantId"]): entry.get("role") for entry in sketch.participants.listed()}
    voters = [participant for participant, role in roles.items() if role == "voter"]
    everybody = texts(data.get("participants"), bounds.PARTICIPANTS) or list(roles)
    sketch.policy["expectedCommitments"] = voters or everybody
    sketch.policy["quorumStatus"] = "pending"
    sketch.expectation["expectedBy"] = _VOTERS if voters else _EVERYBODY


def _seen(sketch: Sketch, event: Event) -> None:
    participant = text(event.data.get("participantId"))
    entry = sketch.participants.get(participant) if participant else None
    if participant is None or entry is None or entry.get("role") != "voter":
        return
    by, expected = sketch.expectation["expectedBy"], cast(list[str], sketch.policy.get("expectedCommitments", []))
    if by == _EVERYBODY:
        sketch.policy["expectedCommitments"] = [participant]
        sketch.expectation["expectedBy"] = _VOTERS
    elif by == _VOTERS and participant not in expected:
        sketch.policy["expectedCommitments"] = kept(expected, participant, bounds.PARTICIPANTS)


def _resolved(sketch: Sketch, event: Event) -> None:
    version = text(_member(event, "policyVersion")) or text(event.subject_id)
    if version is None:
        return
    sketch.policy["policyVersion"] = version
    sketch.policy["resolvedAt"] = event.ts
    if description := prose(_member(event, "policyDescription")):
        sketch.policy["policyDescription"] = description
    if isinstance(stated := _member(event, "expectedCommitments"), (list, tuple)):
        sketch.policy["expectedCommitments"] = texts(stated, bounds.PARTICIPANTS)
        sketch.expectation["expectedBy"] = _STATED


def _judge(sketch: Sketch, event: Event, decision: str) -> None:
    evaluation = {
        "commitmentId": text(_member(event, "commitmentId")) or text(event.subject_id) or "",
        "decision": decision,
        "reasons": reasons(_member(event, "reasons")),
        "ts": event.ts,
    }
    former = cast(list[dict[str, object]], sketch.policy["commitmentEvaluations"])
    sketch.policy["commitmentEvaluations"] = kept(former, evaluation, bounds.EVALUATIONS)


def _evaluated(sketch: Sketch, event: Event) -> None:
    decision = (text(_member(event, "decision")) or "").lower()
    if decision not in ("allow", "deny"):
        return
    _judge(sketch, event, decision)
    if decision == "allow":
        sketch.policy["quorumStatus"] = "reached"


def _denied(sketch: Sketch, event: Event) -> None:
    _judge(sketch, event, "deny")


def _tallied(sketch: Sketch, event: Event) -> None:
    proposal = proposal_meant(sketch, event)
    if proposal is None or vote_of(event.data) is None or text(event.data.get("sender")) is None:
        return
    allow, deny = counts_for(sketch, proposal)
    required = len(cast(list[str], sketch.policy.get("expectedCommitments", [])))
    sketch.tallies.put(
        {
            "commitmentId": proposal,
            "allow": allow,
            "deny": deny,
            "threshold": (required + 1) // 2,
            "quorum": {"required": required, "cast": allow + deny},
        }
    )


def _finalized(sketch: Sketch, event: Event) -> None:
    positive = outcome_positive(event.data)
    sketch.policy.pop("outcomePositive", None)
    if positive is not None:
        sketch.policy["outcomePositive"] = positive
    sketch.policy["quorumStatus"] = "failed" if positive is False else "reached"


def _broken_off(sketch: Sketch, event: Event) -> None:
    if sketch.policy.get("quorumStatus") != "reached":
        sketch.policy["quorumStatus"] = "failed"


HANDLERS: Handlers = {
    EventType.SESSION_BOUND: _bound,
    EventType.PARTICIPANT_SEEN: _seen,
    EventType.POLICY_RESOLVED: _resolved,
    EventType.POLICY_COMMITMENT_EVALUATED: _evaluated,
    EventType.POLICY_DENIED: _denied,
    EventType.PROPOSAL_CREATED: _tallied,
    EventType.PROPOSAL_UPDATED: _tallied,
    EventType.DECISION_FINALIZED: _finalized,
    EventType.RUN_FAILED: _broken_off,
    EventType.RUN_CANCELLED: _broken_off,
}
