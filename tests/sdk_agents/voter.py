"""Votes on every proposal of a decision; `--vote REJECT` makes it say no, `--hold` makes it wait for a line first."""

import sys

from macp.modes.decision.v1.decision_pb2 import ProposalPayload
from macp.v1.envelope_pb2 import Envelope
from macp_sdk import DecisionSession

from tests.sdk_agents.seat import arguments, client_of, leave_after, play


def main() -> None:
    parser = arguments("A participant of a decision that votes.")
    parser.add_argument("--vote", default="APPROVE")
    parser.add_argument("--hold", action="store_true", help="say `asked`, and vote once a line comes on standard input")
    wanted = parser.parse_args()
    with client_of(wanted) as client:
        session = DecisionSession(client, session_id=wanted.session)

        def vote(proposal: Envelope) -> None:
            if wanted.hold:
                print("asked", flush=True)
                sys.stdin.readline()
            proposal_id = ProposalPayload.FromString(proposal.payload).proposal_id
            session.vote(proposal_id, wanted.vote, reason=f"{wanted.id} says so")

        play(session, wanted.id, {"Proposal": vote})


if __name__ == "__main__":
    leave_after(main)
