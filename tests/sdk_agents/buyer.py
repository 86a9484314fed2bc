"""Accepts the first offer, and commits when the seller agreed: the initiator of a negotiation."""

from macp.modes.proposal.v1.proposal_pb2 import ProposalPayload
from macp.v1.envelope_pb2 import Envelope
from macp_sdk import ProposalSession

from tests.sdk_agents.seat import arguments, client_of, leave_after, play


def main() -> None:
    wanted = arguments("The buyer of a negotiation.").parse_args()
    with client_of(wanted) as client:
        session = ProposalSession(client, session_id=wanted.session)

        def accept(offer: Envelope) -> None:
            session.accept(ProposalPayload.FromString(offer.payload).proposal_id)

        def commit(_: Envelope) -> None:
            session.commit(action="proposal.accepted", authority_scope="session", reason="both accepted")

        play(session, wanted.id, {"Proposal": accept, "Accept": commit})


if __name__ == "__main__":
    leave_after(main)
