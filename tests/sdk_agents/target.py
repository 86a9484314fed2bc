"""Takes over what is handed to it."""

from macp.modes.handoff.v1.handoff_pb2 import HandoffOfferPayload
from macp.v1.envelope_pb2 import Envelope
from macp_sdk import HandoffSession

from tests.sdk_agents.seat import arguments, client_of, leave_after, play


def main() -> None:
    wanted = arguments("The target of a handoff.").parse_args()
    with client_of(wanted) as client:
        session = HandoffSession(client, session_id=wanted.session)

        def accept(offer: Envelope) -> None:
            session.accept_handoff(HandoffOfferPayload.FromString(offer.payload).handoff_id, accepted_by=wanted.id)

        play(session, wanted.id, {"HandoffOffer": accept})


if __name__ == "__main__":
    leave_after(main)
