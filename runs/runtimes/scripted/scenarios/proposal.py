"""Proposal mode: an offer, a counter-offer, and everybody accepts the latter."""

from runs.domain.events import JsonObject, SessionState
from runs.runtimes.scripted.scenarios.script import Cast, Line, WrittenScript

OFFER = "proposal-1"
COUNTER_OFFER = "proposal-2"


def proposal(cast: Cast) -> WrittenScript:
    """The first of the others offers, the initiator counters, all accept, the initiator commits `proposal.accepted`."""
    seller = cast.others[0]
    offer: JsonObject = {"proposalId": OFFER, "title": "Standard terms", "summary": "30 days, list price"}
    counter_offer: JsonObject = {
        "proposalId": COUNTER_OFFER,
        "supersedesProposalId": OFFER,
        "title": "Better terms",
        "summary": "60 days, five per cent off",
    }
    parties = dict.fromkeys([*cast.others, cast.initiator])
    lines = [
        Line(seller, "Proposal", offer | {"tags": ["terms"]}),
        cast.progresses(cast.initiator, 40, "comparing offers"),
        cast.calls_a_model(cast.initiator, 610, 140),
        Line(cast.initiator, "CounterProposal", counter_offer),
        cast.signals(seller, "offer.countered", {"severity": "low", "proposalId": COUNTER_OFFER}),
        *[
            Line(party, "Accept", {"proposalId": COUNTER_OFFER, "reason": "the terms are acceptable"})
            for party in parties
        ],
        cast.commits("proposal.accepted", "all parties accept the same terms", positive=True),
    ]
    return WrittenScript(lines, SessionState.RESOLVED)
