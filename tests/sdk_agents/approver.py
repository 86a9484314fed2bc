"""Approves whatever a quorum session asks for."""

from macp.modes.quorum.v1.quorum_pb2 import ApprovalRequestPayload
from macp.v1.envelope_pb2 import Envelope
from macp_sdk import QuorumSession

from tests.sdk_agents.seat import arguments, client_of, leave_after, play


def main() -> None:
    wanted = arguments("A voter of a quorum.").parse_args()
    with client_of(wanted) as client:
        session = QuorumSession(client, session_id=wanted.session)

        def approve(request: Envelope) -> None:
            session.approve(ApprovalRequestPayload.FromString(request.payload).request_id, reason="fine")

        play(session, wanted.id, {"ApprovalRequest": approve})


if __name__ == "__main__":
    leave_after(main)
