"""Quorum mode: an approval is requested and enough ballots approve."""

from runs.domain.events import JsonObject, SessionState
from runs.runtimes.scripted.scenarios.script import Cast, Line, WrittenScript

REQUEST = "request-1"


def quorum(cast: Cast) -> WrittenScript:
    """More than half of the others approve, the rest abstains; the initiator commits `quorum.approved`."""
    required = len(cast.others) // 2 + 1
    request: JsonObject = {
        "requestId": REQUEST,
        "action": cast.plan.intent or "deploy the release",
        "summary": "the release passed every check",
        "requiredApprovals": required,
    }
    first = cast.others[0]
    lines = [
        Line(cast.initiator, "ApprovalRequest", request),
        cast.progresses(first, 50, "checking the release"),
        cast.calls_a_model(first, 340, 60),
        *[Line(sender, "Approve", {"requestId": REQUEST, "reason": "checked"}) for sender in cast.others[:required]],
        cast.signals(first, "quorum.reached", {"severity": "low", "approvals": required}),
        *[
            Line(sender, "Abstain", {"requestId": REQUEST, "reason": "not my area"})
            for sender in cast.others[required:]
        ],
        cast.commits("quorum.approved", "the threshold is reached", positive=True),
    ]
    return WrittenScript(lines, SessionState.RESOLVED)
