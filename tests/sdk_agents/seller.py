"""Offers at once, and agrees to whatever the other side accepts."""

from macp.modes.proposal.v1.proposal_pb2 import AcceptPayload
from macp.v1.envelope_pb2 import Envelope
from macp_sdk import ProposalSession

from tests.sdk_agents.seat import arguments, client_of, leave_after, play


def main() -> None:
    wanted = arguments("The seller of a negotiation.").parse_args()
    with client_of(wanted) as client:
        session = ProposalSession(client, session_id=wanted.session)

        def offer(_: Envelope) -> None:
            session.propose("p1", "one crate", summary="for ten")

        def agree(accepted: Envelope) -> None:
            session.accept(AcceptPayload.FromString(accepted.payload).proposal_id)

        play(session, wanted.id, {"SessionStart": offer, "Accept": agree})


if __name__ == "__main__":
    leave_after(main)
