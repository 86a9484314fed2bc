"""Decision mode: a proposal is evaluated, voted on and selected; or objected to and rejected."""

from runs.domain.events import JsonObject, SessionState
from runs.runtimes.scripted.scenarios.script import Cast, Line, WrittenScript

PROPOSAL = "proposal-1"


def decision(cast: Cast) -> WrittenScript:
    """Everybody approves; the initiator commits `decision.selected`."""
    lines = [_proposes(cast)]
    for place, sender in enumerate(cast.others):
        lines += _studies(cast, sender, place)
        lines.append(_evaluates(sender, "APPROVE", max(0.55, 0.9 - 0.05 * place), "the benefits outweigh the costs"))
    lines += [_votes(sender, "APPROVE", "") for sender in cast.others]
    lines.append(cast.commits("decision.selected", "every voter approved", positive=True))
    return WrittenScript(lines, SessionState.RESOLVED)


def veto(cast: Cast) -> WrittenScript:
    """One objects critically and everybody rejects; the initiator commits `decision.rejected`."""
    objector = cast.others[-1]
    lines = [_proposes(cast), *_studies(cast, objector, 0)]
    lines += [_evaluates(sender, "REVIEW", 0.5, "the risk is not understood yet") for sender in cast.others[:-1]]
    lines.append(_evaluates(objector, "BLOCK", 0.95, "it breaks a legal requirement"))
    lines.append(
        Line(objector, "Objection", {"proposalId": PROPOSAL, "reason": "it is unlawful", "severity": "critical"})
    )
    warning: JsonObject = {"severity": "critical", "proposalId": PROPOSAL}
    lines.append(cast.signals(objector, "risk.raised", warning, confidence=0.95))
    lines += [_votes(sender, "REJECT", "the objection stands") for sender in cast.others]
    lines.append(cast.commits("decision.rejected", "a critical objection stands", positive=False))
    return WrittenScript(lines, SessionState.RESOLVED)


def failing(cast: Cast) -> WrittenScript:
    """The discussion breaks off and the session expires without a commitment."""
    sender = cast.others[0]
    lines = [
        _proposes(cast),
        cast.progresses(sender, 30, "reading the proposal"),
        _evaluates(sender, "REVIEW", 0.4, "more data is needed"),
        cast.signals(sender, "agent.stalled", {"severity": "high", "reason": "the data source does not answer"}),
    ]
    return WrittenScript(lines, SessionState.EXPIRED)


def silent(_: Cast) -> WrittenScript:
    """The session opens; nobody speaks, and it stays open."""
    return WrittenScript([], None)


def _proposes(cast: Cast) -> Line:
    option = cast.plan.intent or "adopt the proposed change"
    rationale = "it is the cheapest way to the goal"
    return Line(cast.initiator, "Proposal", {"proposalId": PROPOSAL, "option": option, "rationale": rationale})


def _studies(cast: Cast, sender: str, place: int) -> list[Line]:
    """What the first few readers let the others see of their work: a long cast would only repeat it."""
    if place >= 3:
        return []
    return [
        cast.progresses(sender, 50, "reading the proposal"),
        cast.calls_a_model(sender, 420 + 35 * place, 90 + 15 * place),
    ]


def _evaluates(sender: str, recommendation: str, confidence: float, reason: str) -> Line:
    content: JsonObject = {
        "proposalId": PROPOSAL,
        "recommendation": recommendation,
        "confidence": round(confidence, 2),
        "reason": reason,
    }
    return Line(sender, "Evaluation", content)


def _votes(sender: str, vote: str, reason: str) -> Line:
    content: JsonObject = {"proposalId": PROPOSAL, "vote": vote}
    if reason:
        content["reason"] = reason
    return Line(sender, "Vote", content)
