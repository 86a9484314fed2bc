"""Handoff mode: work is offered to another participant, with its context, and accepted."""

from runs.domain.events import JsonObject, SessionState
from runs.runtimes.scripted.scenarios.script import Cast, Line, WrittenScript, in_base64

HANDOFF = "handoff-1"


def handoff(cast: Cast) -> WrittenScript:
    """The first of the others takes over; the initiator commits `handoff.accepted`."""
    target = cast.others[0]
    offer: JsonObject = {
        "handoffId": HANDOFF,
        "targetParticipant": target,
        "scope": cast.plan.intent or "the open customer case",
        "reason": "it needs a specialist",
    }
    context = in_base64({"case": "4711", "history": ["opened", "triaged"]})
    lines = [
        Line(cast.initiator, "HandoffOffer", offer),
        Line(
            cast.initiator,
            "HandoffContext",
            {"handoffId": HANDOFF, "contentType": "application/json", "context": context},
        ),
        cast.progresses(target, 50, "reading the context"),
        cast.calls_a_model(target, 530, 80),
        cast.signals(target, "capacity.confirmed", {"severity": "low"}),
        Line(target, "HandoffAccept", {"handoffId": HANDOFF, "acceptedBy": target, "reason": "the case is understood"}),
        cast.commits("handoff.accepted", "the target took over", positive=True),
    ]
    return WrittenScript(lines, SessionState.RESOLVED)
